//! A promise stays until the books have it, or never will.

use super::*;
use crate::ledger::calls::Amounts;
use crate::ledger::price::CreditType;
use crate::ledger::units::Credits;
use crate::ledger::units::Millis;

const TEN: Timestamp = Timestamp::from_micros(1_767_607_200_000_000);

fn amounts(micros: i64) -> Amounts {
    std::iter::once((CreditType::default(), Credits::from_micros(micros))).collect()
}

fn hold(id: &str, micros: i64, until: Timestamp) -> Hold {
    Hold {
        source: "sbc".into(),
        id: id.into(),
        action: "phone_call".into(),
        quantity: 1,
        who: Dimensions::default().into(),
        amounts: amounts(micros),
        increment: amounts(1),
        until,
    }
}

#[test]
fn a_former_hold_that_arrives_leaves_the_promise_that_renews_it() {
    let (before, now) = (hold("a", 10, TEN.plus(Millis(9))), hold("a", 4, TEN.plus(Millis(19))));
    let promises = Promises::default();
    promises.0.insert("acme".into(), [(now.key(), now.clone())].into());
    promises.forget("acme", &Held::from(&before));
    assert_eq!(promises.0.get("acme").map(|of_org| of_org.len()), Some(1));
    promises.forget("acme", &Held::from(&now));
    assert!(promises.0.is_empty());
}
