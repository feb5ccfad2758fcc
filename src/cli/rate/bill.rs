//! A charge as a bill: what was counted, how it was billed, what it comes to.

use serde_json::Value;

use crate::cli::terminal::{Paint, grouped};
use crate::ledger::catalog::Catalog;
use crate::ledger::charge::{Basis, Charge, Line};
use crate::ledger::price::{CreditType, Direction};
use crate::ledger::units::{Credits, Millis};
use crate::wire::time;

/// How wide a bill is, in characters.
const WIDTH: usize = 72;

/// The bill of a charge for an event.
pub(super) fn text(event: &Value, charge: &Charge, catalog: &Catalog, paint: Paint) -> String {
    let mut bill = String::new();
    let plan = catalog.plan(charge.plan.0).map_or("?", |plan| &*plan.id);
    let card = catalog.card(charge.card.0).map_or("?", |card| &*card.id);
    let actions = actions(event);
    let title = actions.first().map_or("event", String::as_str);
    row(&mut bill, "", &paint.strong(title), title, &format!("rated at {}", time::format(charge.rated_at)));
    let terms =
        format!("plan {plan}, version {} · rate card {card}, version {}", charge.plan.1, charge.card.1);
    push(&mut bill, &paint.faint(&terms));
    push(&mut bill, "");
    for (place, line) in charge.lines.iter().enumerate() {
        let action = actions.get(place).map_or("", String::as_str);
        let label = if line.own_price {
            format!("{action} (the organization's own price)")
        } else {
            action.to_owned()
        };
        row(&mut bill, "  ", &label, &label, &amount(line.amount, line.credit_type));
        for step in steps(line) {
            push(&mut bill, &paint.faint(&format!("    {step}")));
        }
    }
    push(&mut bill, &paint.faint(&"─".repeat(WIDTH)));
    for total in totals(charge) {
        let text = amount(total.1, total.0);
        let gap = WIDTH.saturating_sub("total".len() + text.chars().count());
        push(&mut bill, &paint.strong(&format!("total{}{text}", " ".repeat(gap))));
    }
    bill
}

fn push(bill: &mut String, line: &str) {
    bill.push_str(line.trim_end());
    bill.push('\n');
}

/// A line with something at its left and something at its right edge. `bare` is `left` without emphasis.
fn row(bill: &mut String, indent: &str, left: &str, bare: &str, right: &str) {
    let used = indent.len() + bare.chars().count() + right.chars().count();
    let gap = WIDTH.saturating_sub(used).max(2);
    push(bill, &format!("{indent}{left}{}{right}", " ".repeat(gap)));
}

/// The action and its add-ons, in the order of the charge's lines.
fn actions(event: &Value) -> Vec<String> {
    let field = |name: &str| event.get(name).or_else(|| event.get("data")?.get(name));
    let action = field("action").and_then(Value::as_str).unwrap_or("phone_call");
    let add_ons = field("add_ons").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    std::iter::once(action).chain(add_ons).map(str::to_owned).collect()
}

fn totals(charge: &Charge) -> Vec<(CreditType, Credits)> {
    let mut kinds: Vec<CreditType> = charge.lines.iter().map(|line| line.credit_type).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.into_iter().map(|kind| (kind, charge.amount(kind))).collect()
}

/// `42 credits`, `1 email credit`.
fn amount(amount: Credits, kind: CreditType) -> String {
    let unit = if amount == Credits::from_micros(1_000_000) { "credit" } else { "credits" };
    if kind == CreditType::default() { format!("{amount} {unit}") } else { format!("{amount} {kind} {unit}") }
}

/// How an amount came about, one step a line.
fn steps(line: &Line) -> Vec<String> {
    match &line.basis {
        Basis::Unmetered { .. } => vec!["counted, and free: the plan is not metered".to_owned()],
        Basis::PerAction { each, .. } if *each == Credits::ZERO => vec!["counted, and free".to_owned()],
        Basis::PerAction { each, quantity } => vec![format!("{} × {each}", grouped(*quantity))],
        Basis::PerUnits { price, units, started: true, quantity } => {
            let begun = quantity.div_ceil((*units).max(1));
            let used =
                format!("{} used: {} begun of {} each", grouped(*quantity), grouped(begun), grouped(*units));
            vec![used, format!("{} × {price}", grouped(begun))]
        }
        Basis::PerUnits { price, units, started: false, quantity } => {
            let share = format!("{} used, {price} for {}", grouped(*quantity), grouped(*units));
            vec![
                share,
                format!("{} ÷ {} × {price}, half up to a millionth", grouped(*quantity), grouped(*units)),
            ]
        }
        Basis::PerMinute { billed_seconds: 0, .. } => {
            vec!["not answered, or no time at all: free".to_owned()]
        }
        Basis::PerMinute { .. } => call_steps(line.amount, &line.basis),
    }
}

fn call_steps(amount: Credits, basis: &Basis) -> Vec<String> {
    let Basis::PerMinute { rate, prefix, direction, increment, duration, billed_seconds, minimum } = basis
    else {
        return Vec::new();
    };
    let direction = match direction {
        Direction::Inbound => "inbound",
        Direction::Outbound => "outbound",
    };
    let prefix = match prefix {
        0 => String::new(),
        digits => format!(", by the first {digits} digits of the destination"),
    };
    let mut steps = vec![
        format!("{direction}, {}{prefix}", length(*duration)),
        format!("in increments of {increment} s: {} s billed", grouped(*billed_seconds)),
    ];
    let mut sum = format!("{} min × {} a minute", minutes(*billed_seconds), rate.per_minute);
    if rate.connect_fee > Credits::ZERO {
        sum.push_str(&format!(" + {} for the connection", rate.connect_fee));
    }
    steps.push(sum);
    if *minimum > Credits::ZERO && amount == *minimum {
        steps.push(format!("a call costs at least {minimum}"));
    }
    steps
}

/// `3 min 20.5 s`.
fn length(duration: Millis) -> String {
    let (minutes, millis) = (duration.0 / 60_000, duration.0 % 60_000);
    let seconds = match (millis / 1_000, millis % 1_000) {
        (whole, 0) => whole.to_string(),
        (whole, rest) => format!("{whole}.{}", format!("{rest:03}").trim_end_matches('0')),
    };
    match minutes {
        0 => format!("{seconds} s"),
        _ => format!("{} min {seconds} s", grouped(minutes)),
    }
}

/// Whole minutes, or minutes and a fraction of sixty: `3 30/60`.
fn minutes(seconds: u64) -> String {
    match (seconds / 60, seconds % 60) {
        (whole, 0) => grouped(whole),
        (0, rest) => format!("{rest}/60"),
        (whole, rest) => format!("{} {rest}/60", grouped(whole)),
    }
}
