//! Calls while they run: what is pending, and what is remembered of those that ended.

use smallvec::SmallVec;

use super::*;
use crate::ledger::charge::{Basis, Line};
use crate::ledger::entry::{CallName, Told};
use crate::ledger::grants::{Pool, Purpose};
use crate::ledger::price::{Direction, Increment, Rate};

const CREDIT: i64 = 1_000_000;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_micros(ms.saturating_mul(1_000).saturating_add(1_767_607_200_000_000))
}

fn a_microsecond(time: Timestamp, later: i64) -> Timestamp {
    Timestamp::from_micros(time.micros().saturating_add(later))
}

fn credits(n: i64) -> Credits {
    Credits::from_micros(n.saturating_mul(CREDIT))
}

/// 6 a minute and 1 for the connection, by `initial/next`.
fn price(initial: u32, next: u32) -> SmallVec<[Line; 1]> {
    let basis = Basis::PerMinute {
        rate: Rate { per_minute: credits(6), connect_fee: credits(1) },
        prefix: 0,
        direction: Direction::Outbound,
        increment: Increment::new(initial, next).unwrap(),
        duration: Millis(1),
        billed_seconds: 60,
        minimum: Credits::ZERO,
    };
    smallvec::smallvec![Line {
        credit_type: CreditType::default(),
        amount: credits(0),
        basis,
        own_price: false
    }]
}

fn tell(calls: &mut Calls, stage: Stage, direction: Direction, time: Timestamp) {
    let told = Told { direction: Some(direction), ..Told::default() };
    let name = CallName { source: "sbc", id: "a" };
    let agreed = Agreed { price: price(60, 30), ..Agreed::default() };
    calls.tell(&Live { name, stage, told }, &Dimensions::default(), time, agreed);
}

fn pending(calls: &Calls, time: Timestamp) -> Credits {
    calls.pending(CreditType::default(), time)
}

#[test]
fn an_increment_counts_from_the_instant_it_starts() {
    let mut calls = Calls::default();
    tell(&mut calls, Stage::Started, Direction::Outbound, at(0));
    assert_eq!(pending(&calls, at(50_000)), Credits::ZERO, "it only rings");
    tell(&mut calls, Stage::Answered, Direction::Outbound, at(7_000));
    let so_far = |ms: u64| pending(&calls, at(7_000).plus(Millis(ms)));
    assert_eq!(so_far(0), credits(7));
    assert_eq!(pending(&calls, a_microsecond(at(67_000), -1)), credits(7), "a microsecond before");
    assert_eq!((so_far(59_999), so_far(60_000)), (credits(7), credits(10)));
    assert_eq!((so_far(89_999), so_far(90_000)), (credits(10), credits(13)));
}

#[test]
fn an_inbound_call_counts_from_its_start_and_only_once_it_is_answered() {
    let mut calls = Calls::default();
    tell(&mut calls, Stage::Started, Direction::Inbound, at(0));
    assert_eq!(pending(&calls, at(59_000)), Credits::ZERO);
    tell(&mut calls, Stage::Answered, Direction::Inbound, at(59_000));
    assert_eq!(pending(&calls, at(59_999)), credits(7));
    assert_eq!(pending(&calls, at(60_000)), credits(10));
}

#[test]
fn a_progress_proves_an_answer_and_never_goes_backwards() {
    let mut calls = Calls::default();
    tell(&mut calls, Stage::Progress(Millis(61_000)), Direction::Outbound, at(100_000));
    assert_eq!(calls.live().next().unwrap().answered(), Some(at(39_000)));
    tell(&mut calls, Stage::Progress(Millis(30_000)), Direction::Outbound, at(100_001));
    assert_eq!(pending(&calls, at(39_000)), credits(10), "61 s are proven, whatever the clock says");
}

#[test]
fn what_ended_is_remembered_until_nothing_of_it_can_come() {
    let (mut calls, key) = (Calls::default(), EventId::of("sbc", "a"));
    tell(&mut calls, Stage::Answered, Direction::Outbound, at(0));
    let end = End { position: Position { seq: 7, item: 0 }, duration: Millis(5_000) };
    calls.end(key, Some(end), at(5_000));
    assert_eq!((pending(&calls, at(5_000)), calls.live().count()), (Credits::ZERO, 0));
    let last = at(5_000).plus(STALE).plus(CLOCK_SKEW);
    calls.forget(last);
    assert_eq!((calls.has_ended(key, last), calls.end_of(key, last)), (true, Some(end)));
    let after = a_microsecond(last, 1);
    assert!(!calls.has_ended(key, after), "before anything is forgotten");
    calls.forget(after);
    assert!(!calls.has_ended(key, last), "it is gone");
}

#[test]
fn the_end_that_was_voided_counts_no_more_and_another_one_does() {
    let (mut calls, key) = (Calls::default(), EventId::of("sbc", "a"));
    let end = |seq| End { position: Position { seq, item: 0 }, duration: Millis(5_000) };
    calls.end(key, Some(end(7)), at(0));
    calls.reopen_end(key, Position { seq: 6, item: 0 });
    assert_eq!(calls.end_of(key, at(0)), Some(end(7)), "another entry was voided");
    calls.reopen_end(key, Position { seq: 7, item: 0 });
    assert_eq!((calls.end_of(key, at(0)), calls.has_ended(key, at(0))), (None, true));
    calls.end(key, Some(end(9)), at(1_000));
    calls.forget(at(0).plus(STALE).plus(CLOCK_SKEW).plus(Millis(1)));
    assert!(calls.has_ended(key, at(1_000)), "it is remembered from its last end on");
}

fn rings(id: &str) -> Live<'_> {
    Live { name: CallName { source: "sbc", id }, stage: Stage::Started, told: Told::default() }
}

#[test]
fn what_is_said_of_calls_is_counted_and_bounded() {
    let mut calls = Calls::default();
    let long = "x".repeat(256);
    let of = Dimensions { entity_name: Some(&long), entity_type: Some("campaign"), ..Dimensions::default() };
    let mut fits = |id: &str| {
        let fits = calls.has_room(&rings(id), &of);
        if fits {
            calls.tell(&rings(id), &of, at(0), Agreed::default());
            // Said again, it takes no more room.
            calls.tell(&rings(id), &of, at(0), Agreed::default());
        }
        fits
    };
    let number = (0..).find(|number| !fits(&format!("{number:05}"))).unwrap();
    let each = "campaign".len().saturating_add(256).saturating_add("sbc12345".len());
    assert_eq!(number, MOST_BYTES.div_euclid(each));
    assert_eq!(calls.bytes, number.saturating_mul(each));
    calls.end(rings("00000").name.key(), None, at(0));
    assert!(calls.has_room(&rings("more"), &Dimensions::default()));
    let keys: Vec<EventId> = calls.live_from(EventId::default()).map(|(key, _)| key).collect();
    for key in keys {
        let call = calls.take(key).unwrap();
        calls.put_back(key, call);
        calls.end(key, None, at(0));
    }
    assert_eq!((calls.bytes, calls.live().count()), (0, 0));
}

fn answer(calls: &mut Calls, id: &str, credit_type: CreditType) {
    let told = Told { direction: Some(Direction::Outbound), ..Told::default() };
    let (name, mut price) = (CallName { source: "sbc", id }, price(60, 30));
    price.iter_mut().for_each(|line| line.credit_type = credit_type);
    let agreed = Agreed { price, ..Agreed::default() };
    calls.tell(&Live { name, stage: Stage::Answered, told }, &Dimensions::default(), at(0), agreed);
}

#[test]
fn calls_cut_off_in_one_kind_of_credits_leave_those_of_another_watched() {
    let (plain, other) = (CreditType::default(), CreditType::new("other").unwrap());
    let mut calls = Calls::new(at(0));
    ["b1", "b2", "b3"].into_iter().for_each(|id| answer(&mut calls, id, other));
    answer(&mut calls, "a", plain);
    // They may take 13 of each; and of the other kind so much is owed already.
    let mut owing = Pool::new(other);
    owing.take(credits(13), Purpose::default(), &mut SmallVec::new());
    let pool = |kind| (kind == other).then_some(&owing);
    let cover = Cover { pool: &pool, overdraft: Some(credits(13)), lead: Millis(60_000) };
    let (mut told, mut now) = (Vec::new(), at(0));
    while now < at(600_000) {
        let mut tell = |news: CallNews| told.push((news.credit_type, news.news, news.calls.len(), news.at));
        let mut telling = Telling { at: now, position: Position::START, tell: &mut tell };
        calls.pass(&mut telling, &cover);
        calls.look(&mut telling, &cover);
        now = calls.next_look(&cover, |_| None);
    }
    // 7 at once, 10 after a minute, 13 after a minute and a half, 16 after two.
    let expected = [
        (other, News::Warning, 3, at(0)),
        (other, News::Cutoff, 3, at(60_000)),
        (plain, News::Warning, 1, at(60_000)),
        (plain, News::Cutoff, 1, at(120_000)),
    ];
    assert_eq!(told, expected);
}
