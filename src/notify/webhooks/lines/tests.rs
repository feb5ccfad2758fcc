use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::super::attempt::failed;
use super::super::endpoint::EndpointUrl;
use super::super::record::{groups, read};
use super::super::secret::{Secret, Secrets};
use super::*;
use crate::ledger::calendar::Zone;
use crate::ledger::quiet::{Days, Hours, Minute, Quiet};
use crate::ledger::units::Millis;

fn options() -> Options {
    Options {
        first_pause: Duration::from_secs(5),
        longest_pause: Duration::from_secs(20),
        patience: Duration::from_secs(100),
        in_flight: 2,
        in_flight_failing: 1,
        queued: 3,
        kept_failed: 2,
        remembered: 2,
        total_bytes: 4_000,
        ..Options::default()
    }
}

fn endpoint(id: u8) -> Endpoint {
    Endpoint {
        key: EndpointKey { org: "acme".to_owned(), id: id.to_string() },
        url: EndpointUrl::parse("https://example.com/").unwrap(),
        secrets: Secrets::new(Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()),
        quiet: (id == 2).then(quiet),
        enabled: true,
    }
}

/// Quiet in the second and third minute of a day; the days of these tests begin in 1970.
fn quiet() -> Quiet {
    let minute = |text| Minute::parse(text).unwrap();
    let hours = Hours { from: minute("00:01"), to: minute("00:03"), days: Days::ALL };
    Quiet { hours, zone: Zone::default() }
}

fn message(id: u16) -> Arc<Message> {
    let id = MessageId::new(id.to_string()).unwrap();
    Arc::new(Message { id, kind: "k".to_owned(), at: Timestamp::default(), payload: vec![b' '; 300] })
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

#[derive(Clone, Debug)]
enum Step {
    Put(u8, bool),
    Queue(u8),
    Wait(u8),
    Take(bool),
    Gone,
    Enable(u8),
    Forget(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let id = 0..3_u8;
    let step = prop_oneof![
        1 => (id.clone(), any::<bool>()).prop_map(|(id, enabled)| Step::Put(id, enabled)),
        8 => id.clone().prop_map(Step::Queue),
        4 => (0..40_u8).prop_map(Step::Wait),
        6 => any::<bool>().prop_map(Step::Take),
        1 => Just(Step::Gone),
        1 => id.clone().prop_map(Step::Enable),
        1 => id.prop_map(Step::Forget),
    ];
    prop::collection::vec(step, 1..80)
}

/// Lines, what is in flight, and how much was queued for each endpoint since it was defined.
struct Life {
    lines: Lines,
    flying: Vec<Start>,
    queued: BTreeMap<String, u64>,
    now: i64,
    next: u16,
}

impl Life {
    fn step(&mut self, step: &Step) {
        let now = at(self.now);
        match *step {
            Step::Put(id, enabled) => self.lines.put(&Endpoint { enabled, ..endpoint(id) }),
            Step::Queue(id) => {
                if self.lines.get(&endpoint(id).key).is_none() {
                    self.lines.put(&endpoint(id));
                }
                self.lines.queue(&endpoint(id).key, message(self.next), now);
                self.next += 1;
                *self.queued.entry(id.to_string()).or_default() += 1;
            }
            Step::Wait(seconds) => self.now += i64::from(seconds),
            Step::Take(taken) if !self.flying.is_empty() => {
                let start = self.flying.remove(0);
                let outcome = if taken { Outcome::Delivered { status: 200 } } else { failed(None, "no") };
                let attempt = Attempt { at: now, took: Millis(1), outcome };
                self.lines.finish(&start, attempt, Wish::None, now);
            }
            Step::Gone if !self.flying.is_empty() => {
                let start = self.flying.remove(0);
                let attempt = Attempt { at: now, took: Millis(1), outcome: failed(None, "gone") };
                self.lines.finish(&start, attempt, Wish::Gone, now);
            }
            Step::Enable(id) => self.lines.enable(&endpoint(id).key),
            // While a request is in flight its endpoint is not forgotten here: the next of that name could get another.
            Step::Forget(id) if !self.is_flying(id) => {
                self.lines.forget(&endpoint(id).key);
                self.queued.remove(&id.to_string());
            }
            Step::Take(_) | Step::Gone | Step::Forget(_) => {}
        }
        let started = self.lines.start(at(self.now));
        let is_quiet = (60..180).contains(&self.now);
        assert!(started.iter().all(|start| start.endpoint.quiet.is_none() || !is_quiet), "at {}", self.now);
        self.flying.extend(started);
    }

    fn is_flying(&self, id: u8) -> bool {
        self.flying.iter().any(|start| start.endpoint.key == endpoint(id).key)
    }

    fn check(&self) {
        let lines = &self.lines;
        assert_eq!(lines.bytes, lines.iter().map(Line::bytes).sum::<usize>());
        assert!(lines.sound_in_flight <= 2 && lines.failing_in_flight <= 1);
        assert_eq!(lines.sound_in_flight + lines.failing_in_flight, self.flying.len());
        for line in lines.iter() {
            let key = &line.endpoint.key;
            let flying: Vec<&Start> = self.flying.iter().filter(|start| start.endpoint.key == *key).collect();
            assert_eq!(flying.len(), usize::from(line.in_flight), "one request in flight at most");
            if let [start] = flying[..] {
                assert_eq!(
                    line.waiting[0].message.id, start.message.id,
                    "in order, and not lost while in flight"
                );
            }
            assert!(line.waiting.len() <= 3 + usize::from(line.in_flight) && line.failed.len() <= 2);
            let totals = line.totals;
            let ended = totals.delivered + totals.given_up + totals.lost;
            let queued = self.queued.get(&key.id).copied().unwrap_or(0);
            assert_eq!(queued, ended + u64::try_from(line.waiting.len()).unwrap(), "nothing goes silently");
            let numbers: Vec<u32> =
                line.waiting.iter().map(|parcel| parcel.message.id.as_str().parse().unwrap()).collect();
            assert!(numbers.is_sorted(), "{numbers:?}");
        }
    }
}

fn shown(lines: &Lines) -> Vec<String> {
    let mut shown: Vec<String> = lines
        .iter()
        .map(|line| {
            format!("{:?}", Line { in_flight: false, quiet_until: Timestamp::default(), ..line.clone() })
        })
        .collect();
    shown.sort();
    shown
}

proptest! {
    /// Whatever happens: the limits hold, nothing goes silently, and the records give the same lines again.
    #[test]
    fn a_replay_gives_the_same_lines(steps in steps()) {
        let options = Arc::new(options());
        let lines = Lines::new(Arc::clone(&options));
        let mut life = Life { lines, flying: Vec::new(), queued: BTreeMap::new(), now: 0, next: 0 };
        let mut replayed = Lines::new(options);
        for step in &steps {
            life.step(step);
            life.check();
            let written = life.lines.unwritten.take();
            for group in groups(&written) {
                read(group).unwrap().into_iter().for_each(|record| replayed.apply(record));
            }
            prop_assert_eq!(shown(&replayed), shown(&life.lines));
        }
        prop_assert_eq!(replayed.bytes(), life.lines.bytes());
    }
}

#[test]
fn a_message_is_tried_at_its_time_and_given_up_at_its_end() {
    let mut lines = Lines::new(Arc::new(options()));
    let key = endpoint(1).key;
    lines.put(&endpoint(1));
    lines.queue(&key, message(1), at(0));
    let mut tries = 0;
    for now in 0..200 {
        for start in lines.start(at(now)) {
            tries += 1;
            assert!(now < 100, "tried after {now} s");
            let attempt = Attempt { at: at(now), took: Millis(1), outcome: failed(None, "no") };
            lines.finish(&start, attempt, Wish::None, at(now));
            let due = lines.next_due().unwrap();
            assert!(due > at(now) && due <= at(100), "{due:?}");
        }
    }
    // Pauses of half to all of 5, 10, 20, 20, … seconds within a hundred.
    assert!((6..=12).contains(&tries), "{tries} tries");
    let line = lines.get(&key).unwrap();
    assert_eq!((line.waiting.len(), line.totals.given_up, line.failed[0].at), (0, 1, at(100)));
    assert_eq!(lines.next_due(), None);
}

/// An endpoint that was down for longer than a message is tried loses what is too old, and no more.
#[test]
fn each_message_has_its_own_end() {
    let mut lines = Lines::new(Arc::new(options()));
    lines.put(&Endpoint { enabled: false, ..endpoint(1) });
    let key = endpoint(1).key;
    for second in [0, 50, 90] {
        lines.queue(&key, message(u16::try_from(second).unwrap()), at(second));
    }
    assert_eq!(lines.next_due(), Some(at(100)));
    assert!(lines.start(at(149)).is_empty());
    lines.put(&endpoint(1));
    let started: Vec<String> =
        lines.start(at(149)).iter().map(|start| start.message.id.to_string()).collect();
    assert_eq!(started, ["50"]);
    assert_eq!(lines.get(&key).unwrap().totals.given_up, 1);
}

#[test]
fn in_quiet_hours_messages_wait_and_their_day_begins_afterwards() {
    let mut lines = Lines::new(Arc::new(options()));
    let key = endpoint(2).key;
    lines.put(&endpoint(2));
    let ids = |starts: &[Start]| starts.iter().map(|start| start.message.id.to_string()).collect::<Vec<_>>();
    lines.queue(&key, message(1), at(70));
    lines.queue(&key, message(2), at(179));
    let health = |lines: &Lines| lines.get(&key).unwrap().health();
    assert_eq!((health(&lines).next_attempt, health(&lines).queued), (Some(at(180)), 2));
    assert_eq!((lines.next_due(), lines.start(at(179)).len()), (Some(at(180)), 0));
    // One day of these tests has 100 seconds: since 70 it would be over.
    let mut now = 180;
    let first = lines.start(at(now));
    assert_eq!(ids(&first), ["1"], "in their order");
    let fail = |lines: &mut Lines, start: &Start, now| {
        let attempt = Attempt { at: at(now), took: Millis(1), outcome: failed(None, "no") };
        lines.finish(start, attempt, Wish::None, at(now));
    };
    fail(&mut lines, &first[0], now);
    while health(&lines).given_up == 0 {
        now = lines.next_due().unwrap().micros().div_euclid(1_000_000) + 1;
        lines.start(at(now)).iter().for_each(|start| fail(&mut lines, start, now));
    }
    let line = lines.get(&key).unwrap();
    // A day after the quiet hours: by a try at its very end, or when it is looked at next.
    assert!([at(280), at(281)].contains(&line.failed[0].at), "{:?}", line.failed[0].at);
    assert!(line.failed[0].parcel.tries >= 5, "{}", line.failed[0].parcel.tries);
}

#[test]
fn what_falls_due_in_quiet_hours_waits_and_an_overdue_one_too() {
    let mut lines = Lines::new(Arc::new(Options { patience: Duration::from_secs(400), ..options() }));
    let key = endpoint(2).key;
    lines.put(&endpoint(2));
    lines.queue(&key, message(1), at(58));
    let start = lines.start(at(58)).remove(0);
    let attempt = Attempt { at: at(58), took: Millis(1), outcome: failed(None, "no") };
    // It asks for 10 seconds: that would be in quiet hours.
    lines.finish(&start, attempt, Wish::Wait(Duration::from_secs(10)), at(58));
    assert_eq!(lines.get(&key).unwrap().health().next_attempt, Some(at(180)));
    lines.forget(&key);
    // Due before they begin, and looked at when they have begun.
    lines.put(&endpoint(2));
    lines.queue(&key, message(2), at(59));
    assert_eq!((lines.next_due(), lines.start(at(90)).len()), (Some(at(59)), 0));
    assert_eq!(lines.next_due(), Some(at(180)));
    assert_eq!(lines.get(&key).unwrap().health().next_attempt, Some(at(180)));
    // Without quiet hours it goes at once; with others, when those end.
    lines.put(&Endpoint { quiet: None, ..endpoint(2) });
    assert_eq!(lines.next_due(), Some(at(59)));
    assert_eq!(lines.start(at(91)).len(), 1);
}
