//! Sums and what they are compared with, with figures by hand.

use super::*;

fn kind(name: &str) -> CreditType {
    CreditType::new(name).unwrap()
}

fn sums(credits: &[(&str, i64)], quantity: u64) -> Sums {
    let mut all = Sums::default();
    for (name, micros) in credits {
        let credits = [(kind(name), Credits::from_micros(*micros))].into_iter().collect();
        all.add(&Sums { credits, ..Sums::default() });
    }
    all.add(&Sums { quantity, charges: quantity, ..Sums::default() });
    all
}

#[test]
fn sums_keep_the_kinds_of_credits_apart_and_in_order() {
    let sums = sums(&[("voice", 5), ("credits", 7), ("voice", 2)], 3);
    let shown = serde_json::to_string(&sums).unwrap();
    assert_eq!(
        shown,
        r#"{"credits":{"credits":"0.000007","voice":"0.000007"},"quantity":3,"calls":0,"calls_made":0,"calls_received":0,"billed_seconds":0,"talked_ms":0,"charges":3}"#
    );
    assert_eq!(sums.all_credits(), 14);
}

#[test]
fn a_difference_has_every_kind_that_either_has() {
    let compared = Compared::of(&sums(&[("voice", 3)], 2), sums(&[("credits", 4)], 8));
    let shown = serde_json::to_value(&compared).unwrap();
    assert_eq!(
        shown["difference"]["credits"],
        serde_json::json!({ "credits": "-0.000004", "voice": "0.000003" })
    );
    assert_eq!(shown["percent"]["credits"], serde_json::json!({ "credits": "-100", "voice": null }));
    assert_eq!(
        (&shown["difference"]["quantity"], &shown["percent"]["quantity"]),
        (&(-6).into(), &"-75".into())
    );
    assert_eq!(
        (&shown["difference"]["calls"], &shown["percent"]["calls"]),
        (&0.into(), &serde_json::Value::Null)
    );
}

#[test]
fn a_percentage_is_rounded_half_away_from_zero() {
    for (now, before, shown) in [
        (3, 2, "50"),
        (4, 3, "33.33"),
        (5, 3, "66.67"),
        (1, 3, "-66.67"),
        (1_005, 1_000, "0.5"),
        // 0.125 %, and the same below.
        (80_100, 80_000, "0.13"),
        (79_900, 80_000, "-0.13"),
        // 0.124 %.
        (100_124, 100_000, "0.12"),
        (0, 7, "-100"),
        (7, 7, "0"),
        (99_999, 100_000, "0"),
        (i128::from(i64::MAX), 1, "922337203685477580600"),
    ] {
        assert_eq!(Percent::of(now, before).unwrap().to_string(), shown, "{now} after {before}");
    }
    assert_eq!(Percent::of(5, 0), None);
}
