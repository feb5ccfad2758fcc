//! A charge cut into cells, with figures by hand.

use smallvec::SmallVec;

use super::*;
use crate::ledger::charge::{Basis, Line};
use crate::ledger::entry::GrantKind;
use crate::ledger::price::{CreditType, Direction, Increment, Rate};

fn kind(name: &str) -> CreditType {
    CreditType::new(name).unwrap()
}

fn micros(micros: i64) -> Credits {
    Credits::from_micros(micros)
}

/// A line of a call of 61 s that is billed as 120 s.
fn minutes(credit_type: &str, amount: i64) -> Line {
    let basis = Basis::PerMinute {
        rate: Rate::default(),
        prefix: 0,
        direction: Direction::Outbound,
        increment: Increment::new(60, 60).unwrap(),
        duration: Millis(61_000),
        billed_seconds: 120,
        minimum: Credits::ZERO,
    };
    Line { credit_type: kind(credit_type), amount: micros(amount), basis, own_price: false }
}

fn draw(credit_type: &str, paid_by: Option<GrantKind>, amount: i64) -> Draw {
    let from = paid_by.map_or(Source::Overage, |_| Source::Grant(0));
    Draw { credit_type: kind(credit_type), from, kind: paid_by, amount: micros(amount) }
}

/// A cell: action, kind of credits, what paid, micro-credits, and what is counted.
type Shown = (String, String, Option<&'static str>, i64, [u64; 6]);

/// The cells of a charge.
fn cut(lines: Vec<Line>, draws: Vec<Draw>) -> Vec<Shown> {
    let charge = Charge {
        rated_at: Timestamp::default(),
        plan: Default::default(),
        card: Default::default(),
        lines: SmallVec::from_vec(lines),
        draws: SmallVec::from_vec(draws),
        counted: None,
        call: None,
    };
    let actions = ["call", "translation", "record"].into_iter().collect();
    let charged = Charged { time: Timestamp::default(), dimensions: [None; 7], actions, charge: &charge };
    let mut cells = Vec::new();
    charged.parts(&mut |spent, counted| {
        let Counted { credits, quantity, calls_made, calls_received, billed_seconds, talked_ms, charges } =
            counted;
        cells.push((
            spent.action.to_owned(),
            spent.credit_type.to_string(),
            spent.paid_by.map(PaidBy::slug),
            credits.micros(),
            [quantity, calls_made, calls_received, billed_seconds, talked_ms, charges],
        ));
        true
    });
    cells
}

#[test]
fn what_was_drawn_is_dealt_out_line_by_line_and_counted_once() {
    let lines = vec![minutes("voice", 10), minutes("credits", 3), minutes("voice", 5)];
    let draws = vec![
        draw("voice", Some(GrantKind::Plan), 7),
        draw("voice", Some(GrantKind::Bonus), 4),
        draw("credits", Some(GrantKind::Purchased), 3),
        draw("voice", None, 4),
    ];
    let cell = |action: &str, credit_type: &str, paid_by, micros, counted| {
        (action.to_owned(), credit_type.to_owned(), Some(paid_by), micros, counted)
    };
    assert_eq!(
        cut(lines, draws),
        [
            cell("call", "voice", "plan", 7, [1, 1, 0, 120, 61_000, 1]),
            cell("call", "voice", "bonus", 3, [0; 6]),
            cell("translation", "credits", "purchased", 3, [1, 0, 0, 0, 0, 0]),
            cell("record", "voice", "bonus", 1, [1, 0, 0, 0, 0, 0]),
            cell("record", "voice", "overage", 4, [0; 6]),
        ]
    );
}

#[test]
fn what_is_free_is_counted_and_nothing_paid() {
    let basis = Basis::Unmetered { quantity: 12, duration: Millis(0), direction: None };
    let line = Line { credit_type: kind("credits"), amount: Credits::ZERO, basis, own_price: false };
    assert_eq!(
        cut(vec![line], Vec::new()),
        [("call".into(), "credits".into(), None, 0, [12, 0, 0, 0, 0, 1])]
    );
}

#[test]
fn a_call_counts_the_way_it_went_and_only_if_it_was_talked() {
    let free = |direction, duration| {
        let basis = Basis::Unmetered { quantity: 1, duration: Millis(duration), direction: Some(direction) };
        vec![Line { credit_type: kind("credits"), amount: Credits::ZERO, basis, own_price: false }]
    };
    for (direction, duration, counted) in [
        (Direction::Inbound, 61_000, [1, 0, 1, 0, 61_000, 1]),
        (Direction::Outbound, 1, [1, 1, 0, 0, 1, 1]),
        (Direction::Inbound, 0, [1, 0, 0, 0, 0, 1]),
    ] {
        let cells = cut(free(direction, duration), Vec::new());
        assert_eq!(cells, [("call".into(), "credits".into(), None, 0, counted)], "{direction:?} {duration}");
    }
}
