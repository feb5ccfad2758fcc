//! The laws of prices: longer never costs less, increments are whole, rounding is half up, batches may be split.

use creditd::ledger::catalog::{Catalog, Plan, RateCard};
use creditd::ledger::entry::{Call, CatalogCommand, Versioned};
use creditd::ledger::price::{CreditType, Direction, Increment, PerMinute, Price, Rate, Tariff};
use creditd::ledger::rating::Pricing;
use creditd::ledger::units::{Credits, Millis, Timestamp};
use proptest::prelude::*;

/// A catalog with one price, `it`.
fn priced(tariff: Tariff) -> Catalog {
    let mut catalog = Catalog::default();
    let price = Price { credit_type: CreditType::default(), tariff };
    let content = RateCard { prices: [("it".into(), price)].into() };
    let card = Versioned { id: "card".into(), version: 1, effective_from: None, content };
    catalog.apply(CatalogCommand::PutRateCard(card), Timestamp::MIN).unwrap();
    let plan = Versioned { id: "plan".into(), version: 1, effective_from: None, content: Plan::default() };
    catalog.apply(CatalogCommand::PutPlan(plan, "card".into()), Timestamp::MIN).unwrap();
    catalog
}

fn pricing(catalog: &Catalog) -> Pricing<'_> {
    let plan = catalog.plan_index("plan").unwrap();
    Pricing::at(catalog, plan, None, Timestamp::from_micros(0)).unwrap()
}

fn call(catalog: &Catalog, ms: u64) -> i128 {
    let call = Call {
        name: None,
        action: "it",
        direction: Direction::Inbound,
        destination: None,
        duration: Millis(ms),
        answered: true,
        answered_at: None,
        add_ons: &[],
    };
    i128::from(pricing(catalog).call(&call).unwrap()[0].amount.micros())
}

fn action(catalog: &Catalog, quantity: u64) -> i128 {
    i128::from(pricing(catalog).action("it", quantity).unwrap().amount.micros())
}

prop_compose! {
    fn minutes()(rate in 0_i64..1_000_000_000, fee in 0_i64..10_000_000, minimum in 0_i64..10_000_000,
                 initial in 1_u32..=600, next in 1_u32..=600) -> PerMinute {
        PerMinute {
            base: Rate { per_minute: Credits::from_micros(rate), connect_fee: Credits::from_micros(fee) },
            minimum: Credits::from_micros(minimum),
            increment: Increment::new(initial, next).unwrap(),
            inbound: None,
            outbound: None,
            destinations: [].into(),
        }
    }
}

/// `numerator ÷ denominator`, half up, by the definition: the nearest whole number, the greater of two.
fn is_half_up(amount: i128, numerator: i128, denominator: i128) -> bool {
    let twice = 2 * (numerator - amount * denominator);
    -denominator <= twice && twice < denominator
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_longer_call_never_costs_less(price in minutes(), ms in 0_u64..604_800_000, more in 0_u64..1_000_000) {
        let catalog = priced(Tariff::PerMinute(Box::new(price)));
        prop_assert!(call(&catalog, ms) <= call(&catalog, (ms + more).min(604_800_000)));
    }

    #[test]
    fn billed_seconds_are_whole_increments_that_hold_the_call(
        initial in 1_u32..=86_400, next in 1_u32..=86_400, ms in 1_u64..604_800_000,
    ) {
        let billed = Increment::new(initial, next).unwrap().billed_seconds(Millis(ms));
        let (initial, next) = (u64::from(initial), u64::from(next));
        prop_assert!(billed >= initial && (billed - initial).is_multiple_of(next));
        prop_assert!(billed * 1_000 >= ms);
        // One increment less would not hold it.
        prop_assert!(billed == initial || (billed - next) * 1_000 < ms);
    }

    #[test]
    fn a_call_costs_its_minutes_half_up_and_its_fees(price in minutes(), ms in 1_u64..10_000_000) {
        let billed = i128::from(price.increment.billed_seconds(Millis(ms)));
        let (rate, fee) = (price.base.per_minute.micros(), price.base.connect_fee.micros());
        let minimum = i128::from(price.minimum.micros());
        let cost = call(&priced(Tariff::PerMinute(Box::new(price))), ms);
        prop_assert!(cost >= minimum);
        let minutes = cost - i128::from(fee);
        prop_assert!(cost == minimum || is_half_up(minutes, i128::from(rate) * billed, 60));
    }

    #[test]
    fn units_are_in_proportion_half_up(price in 0_i64..1_000_000_000, units in 1_u64..100_000, quantity in 1_u64..1_000_000) {
        let catalog = priced(Tariff::PerUnits { price: Credits::from_micros(price), units, started: false });
        let exact = i128::from(price) * i128::from(quantity);
        prop_assert!(is_half_up(action(&catalog, quantity), exact, i128::from(units)));
    }

    #[test]
    fn a_batch_costs_what_its_parts_cost(each in 0_i64..1_000_000_000, a in 1_u64..500_000, b in 1_u64..500_000) {
        let catalog = priced(Tariff::PerAction(Credits::from_micros(each)));
        prop_assert_eq!(action(&catalog, a + b), action(&catalog, a) + action(&catalog, b));
    }

    #[test]
    fn units_begun_are_never_cheaper_in_parts(price in 0_i64..1_000_000, units in 1_u64..1_000, a in 1_u64..5_000, b in 1_u64..5_000) {
        let catalog = priced(Tariff::PerUnits { price: Credits::from_micros(price), units, started: true });
        let whole = action(&catalog, a + b);
        prop_assert!(whole <= action(&catalog, a) + action(&catalog, b));
        prop_assert_eq!(whole, i128::from(price) * i128::from((a + b).div_ceil(units)));
    }

    #[test]
    fn splitting_units_moves_a_price_by_less_than_a_micro_credit(
        price in 0_i64..1_000_000_000, units in 1_u64..100_000, a in 1_u64..500_000, b in 1_u64..500_000,
    ) {
        let catalog = priced(Tariff::PerUnits { price: Credits::from_micros(price), units, started: false });
        let apart = action(&catalog, a) + action(&catalog, b);
        prop_assert!((action(&catalog, a + b) - apart).abs() <= 1);
    }
}
