//! A log that is cut, and one that nobody looked at in between, end with the same bytes.

use std::path::Path;
use std::sync::Arc;

use creditd::book::keeper::Meta;
use creditd::book::recovery::recover;
use creditd::book::shelf::Shelf;
use creditd::log::{Fingerprint, Record};
use creditd::store::checkpoint::Checkpoints;
use creditd::store::codec;
use creditd::store::history::Limits;
use creditd::wire::Subject;
use serde_json::Value;

use super::meter::{Meter, Told};

/// Cuts the log at every record: the first part is folded and written to disk as the daemon does it, the second goes on from
/// what was read back.
pub(crate) fn cut_anywhere(log: &[Record], whole: &Meter) -> Result<(), String> {
    for cut in 1..log.len() {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let (before, after) = log.split_at(cut);
        let first = fold(recovered(folder.path())?, before)?;
        let told = checkpoint(first, folder.path())?;
        let second = fold(recovered(folder.path())?, after)?;
        let told = Told {
            outcomes: told.outcomes.into_iter().chain(second.told.outcomes.iter().cloned()).collect(),
            alerts: told.alerts.into_iter().chain(second.told.alerts.iter().cloned()).collect(),
        };
        let place = format!("cut after record {cut} and gone on from a checkpoint");
        same(&place, (&told, &second), whole)?;
    }
    Ok(())
}

/// Time composes: what falls due happens at its own instant, whoever looks first.
pub(crate) fn without_looking(log: &[Record], whole: &Meter) -> Result<(), String> {
    let looks = Subject::Tick.to_string();
    // A look after which the log's clock runs backwards has told the time: it stays.
    let only_looks = |place: usize| {
        let after = log.get(place + 1);
        log[place].draft.subject == looks && after.is_some_and(|after| after.at >= log[place].at)
    };
    let unlooked = (0..log.len()).filter(|place| !only_looks(*place)).map(|place| &log[place]);
    let meter = fold(Meter::new(), unlooked)?;
    same("nobody looks before the end", (&meter.told, &meter), whole)
}

fn same(place: &str, (told, found): (&Told, &Meter), whole: &Meter) -> Result<(), String> {
    if *told != whole.told {
        return Err(format!("{place}: it tells {told:?}, not {:?}", whole.told));
    }
    if found.bytes()? == whole.bytes()? {
        return Ok(());
    }
    for name in whole.names() {
        if let Some(difference) = difference(&name, &found.state(&name)?, &whole.state(&name)?) {
            return Err(format!("{place}: {difference}"));
        }
    }
    Err(format!("{place}: other bytes, though the figures are the same"))
}

/// The first figure that differs.
fn difference(path: &str, found: &Value, whole: &Value) -> Option<String> {
    let inside =
        |found: &Value, whole: &Value, part: &str| difference(&format!("{path}.{part}"), found, whole);
    match (found, whole) {
        (Value::Object(ours), Value::Object(theirs)) if ours.keys().eq(theirs.keys()) => {
            ours.iter().zip(theirs.values()).find_map(|((key, ours), theirs)| inside(ours, theirs, key))
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
            let mut pairs = ours.iter().zip(theirs).enumerate();
            pairs.find_map(|(index, (ours, theirs))| inside(ours, theirs, &index.to_string()))
        }
        _ => (found != whole).then(|| format!("{path} is {found}, not {whole}")),
    }
}

fn fold<'r>(mut meter: Meter, log: impl IntoIterator<Item = &'r Record>) -> Result<Meter, String> {
    log.into_iter().try_for_each(|record| meter.apply(record))?;
    Ok(meter)
}

fn recovered(folder: &Path) -> Result<Meter, String> {
    let recovered = recover(folder, u64::MAX, Limits::default()).map_err(|error| error.to_string())?;
    if recovered.findings.is_empty() {
        Ok(Meter::over(recovered.partition))
    } else {
        Err(format!("the checkpoint is damaged: {:?}", recovered.findings))
    }
}

/// Writes a fold to disk and lets it go. Answers what it told.
fn checkpoint(mut meter: Meter, folder: &Path) -> Result<Told, String> {
    meter.partition.history().seal();
    let shelf = Arc::clone(meter.partition.history().shelf());
    let mut run = 0;
    while shelf.write_next(run + 1).map_err(|error| error.to_string())?.is_some() {
        run += 1;
    }
    write_section(&meter, &shelf, folder, run).map_err(|error| error.to_string())?;
    Ok(meter.told)
}

fn write_section(
    meter: &Meter,
    shelf: &Shelf,
    folder: &Path,
    run: u32,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut checkpoints = Checkpoints::open(&folder.join("checkpoints"))?;
    checkpoints.recover(|_| true, |_| Ok(()))?;
    let mut section = checkpoints.begin_base()?;
    for name in meter.names() {
        let mut bytes = Vec::new();
        let encode = meter
            .partition
            .book()
            .read(&name, |slot| codec::encode_into(&(&*name, &slot.org), &mut bytes).map(|()| slot.key));
        let Some(key) = encode.transpose()? else { continue };
        section.put(key, &bytes)?;
        if let Some(block) = shelf.head(key) {
            section.head(key, block)?;
        }
    }
    let commons = meter.partition.commons().clone();
    let stands = Fingerprint { seq: commons.seq, ..Fingerprint::default() };
    let meta =
        Meta { cut: stands.clone(), sealed: stands, commons, run, outbox: Vec::new(), kept_from: None };
    let mut bytes = Vec::new();
    codec::encode_into(&meta, &mut bytes)?;
    section.commit(&bytes)?;
    Ok(())
}
