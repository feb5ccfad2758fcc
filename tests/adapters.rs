//! The shipped adapters, each over samples of what its system really sends. What a sample becomes stands beside it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use creditd::ledger::units::Timestamp;
use creditd::wire::Decoder;
use creditd::wire::adapter::{Adapters, Message, Normalised, Translation};
use creditd::wire::time;

/// How many samples there are, at least: one that is lost is noticed.
const SAMPLES: usize = 50;

/// When the samples arrive.
fn arrival() -> Timestamp {
    time::parse("2026-01-05T10:05:00Z").unwrap()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/adapters")
}

fn files(folder: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| wanted(&extension.to_string_lossy())));
    files.sort();
    files
}

/// The shipped adapters of a system.
fn adapters(file: &Path) -> Adapters {
    let text = fs::read_to_string(file).unwrap();
    Adapters::from_toml(&file.display().to_string(), &text).unwrap_or_else(|error| panic!("{error}"))
}

fn message(body: &[u8]) -> Message<'_> {
    Message { subject: None, headers: &[], at: arrival(), seq: None, body }
}

/// A translation as it is shown beside its sample.
fn shown(adapters: &Adapters, body: &[u8]) -> String {
    match adapters.translate(&message(body)) {
        Ok(Translation::Event(normalised)) => {
            let event = serde_json::to_string_pretty(&normalised.event).unwrap();
            format!("{}\n{event}", normalised.adapter)
        }
        Ok(Translation::Ignored { adapter, why }) => format!("{adapter}: ignored, {why}"),
        Err(rejection) => format!("refused, {rejection}"),
    }
}

/// Every preset with every sample of its system.
fn each_sample(mut visit: impl FnMut(&Adapters, &Path, &[u8])) -> usize {
    let mut seen = 0;
    for preset in files(&folder(), |extension| extension == "toml") {
        let adapters = adapters(&preset);
        let samples = folder().join("samples").join(preset.file_stem().unwrap());
        let samples = files(&samples, |extension| extension != "snap");
        assert!(!samples.is_empty(), "{} has no sample", preset.display());
        for sample in samples {
            visit(&adapters, &sample, fs::read(&sample).unwrap().trim_ascii_end());
            seen += 1;
        }
    }
    seen
}

fn event_of(adapters: &Adapters, body: &[u8]) -> Option<Box<Normalised>> {
    match adapters.translate(&message(body)) {
        Ok(Translation::Event(normalised)) => Some(normalised),
        _ => None,
    }
}

#[test]
fn every_sample_becomes_what_stands_beside_it() {
    let seen = each_sample(|adapters, sample, body| {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(sample.parent().unwrap());
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| {
            insta::assert_snapshot!(
                sample.file_stem().unwrap().to_string_lossy().as_ref(),
                shown(adapters, body)
            );
        });
    });
    assert!(seen >= SAMPLES, "{seen} samples");
}

#[test]
fn every_event_is_one_that_the_decoder_takes() {
    let mut events = 0;
    each_sample(|adapters, sample, body| {
        let Some(normalised) = event_of(adapters, body) else { return };
        let decoder = Decoder { org: &normalised.org, headers: &[], at: arrival() };
        let mut decoded = 0;
        decoder.decode(normalised.json().as_bytes(), &mut |_, event| {
            event.unwrap_or_else(|rejection| panic!("{}: {rejection}", sample.display()));
            decoded += 1;
        });
        assert_eq!(decoded, 1);
        events += 1;
    });
    assert!(events >= 25, "{events} events");
}

/// Bytes that mean something in some body, and one that does in none.
const MEANT: [u8; 6] = [b'"', b'{', b'0', b'9', b'&', 0xff];

#[test]
fn a_damaged_sample_is_an_event_that_the_decoder_takes_or_none() {
    each_sample(|adapters, sample, body| {
        for place in (0..body.len()).step_by(7) {
            for byte in MEANT {
                let mut damaged = body.to_vec();
                damaged[place] = byte;
                let Some(normalised) = event_of(adapters, &damaged) else { continue };
                let decoder = Decoder { org: &normalised.org, headers: &[], at: arrival() };
                decoder.decode(normalised.json().as_bytes(), &mut |_, event| {
                    event.unwrap_or_else(|rejection| panic!("{} at {place}: {rejection}", sample.display()));
                });
            }
            if body.starts_with(b"{") {
                assert_eq!(event_of(adapters, &body[..place]), None, "{} cut at {place}", sample.display());
            }
        }
    });
}

#[test]
fn a_repeat_is_the_same_event_under_the_same_id() {
    each_sample(|adapters, _, body| assert_eq!(event_of(adapters, body), event_of(adapters, body)));
}

#[test]
fn the_shipped_adapters_have_names_of_their_own() {
    let mut all = Adapters::default();
    for preset in files(&folder(), |extension| extension == "toml") {
        all.append(&preset.display().to_string(), adapters(&preset)).unwrap();
    }
    let names: Vec<&str> = all.iter().map(|adapter| adapter.name.as_str()).collect();
    assert!(names.len() >= 12, "{names:?}");
    assert!(all.iter().all(|adapter| adapter.subject.is_some()), "each can be heard over NATS");
}

fn creditd(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_creditd"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

const ARRIVED: [&str; 2] = ["--time", "2026-01-05T10:05:00Z"];

#[test]
fn a_sample_is_tried_on_the_command_line() {
    let adapt = |arguments: &[&str]| creditd(&[&["adapt"], &ARRIVED[..], arguments].concat());
    let kamailio = ["--adapter", "config/adapters/kamailio.toml"];
    let sample = "config/adapters/samples/kamailio/call-answered.json";
    let shown = adapt(&[&kamailio[..], &["--subject", "kamailio.call.acme", sample]].concat());
    assert_eq!((shown.status.code(), text(&shown.stderr)), (Some(0), ""));
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(
        (&shown["adapter"], &shown["event"]["type"]),
        (&"kamailio-calls".into(), &"call.answered".into())
    );

    let elsewhere = adapt(&[&kamailio[..], &["--subject", "sip.call.acme", sample]].concat());
    assert_eq!((elsewhere.status.code(), text(&elsewhere.stdout)), (Some(1), ""));
    assert!(text(&elsewhere.stderr).contains("no adapter takes this message"));
    let named = adapt(&[&kamailio[..], &["--name", "kamailio-cdr", sample]].concat());
    assert!(text(&named.stdout).contains("\"ignored\""), "{}", text(&named.stderr));
    let unknown = adapt(&[&kamailio[..], &["--name", "opensips", sample]].concat());
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("there are kamailio-calls, kamailio-cdr"));

    let ignored = adapt(&[
        "--adapter",
        "config/adapters/retell.toml",
        "config/adapters/samples/retell/call-of-the-web.json",
    ]);
    let shown: serde_json::Value = serde_json::from_slice(&ignored.stdout).unwrap();
    assert_eq!((ignored.status.code(), shown["ignored"].is_string()), (Some(0), true));
    let wrong = adapt(&["--adapter", "Cargo.toml", sample]);
    assert_eq!(wrong.status.code(), Some(78));
    assert!(text(&wrong.stderr).contains("there is no key package"), "{}", text(&wrong.stderr));
    assert_eq!(creditd(&["adapt", sample]).status.code(), Some(2));
}

#[test]
fn the_check_of_the_settings_reads_the_adapters_they_name() {
    let dir = tempfile::tempdir().unwrap();
    let settings = dir.path().join("creditd.toml");
    let check = |files: &str| {
        fs::write(&settings, format!("[data]\nfolder = {:?}\n[adapters]\nfiles = {files}\n", dir.path()))
            .unwrap();
        let shown = creditd(&["check", "--config", settings.to_str().unwrap()]);
        (shown.status.code(), text(&shown.stdout).to_owned())
    };
    fs::copy(folder().join("twilio.toml"), dir.path().join("mine.toml")).unwrap();
    let (code, shown) = check("[\"mine.toml\"]");
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("mine.toml: twilio"), "{shown}");
    let (code, shown) = check("[\"mine.toml\", \"mine.toml\"]");
    assert_eq!(code, Some(78));
    assert!(shown.contains("adapter \"twilio\": there is another adapter of this name"), "{shown}");
    assert_eq!(check("[\"not-there.toml\"]").0, Some(78));
}
