//! What the simulated customers do: one trade for each of the shipped plans.

/// The catalogs that the trades are priced by.
pub(super) const CATALOGS: [&str; 5] = [
    include_str!("../../../config/catalog/outreach.toml"),
    include_str!("../../../config/catalog/leads.toml"),
    include_str!("../../../config/catalog/calling.toml"),
    include_str!("../../../config/catalog/crm.toml"),
    include_str!("../../../config/catalog/prospecting.toml"),
];

/// A kind of customer.
#[derive(Debug)]
pub(super) struct Trade {
    pub(super) plan: &'static str,
    /// The organization's own billing increment.
    pub(super) increment: Option<&'static str>,
    /// Credits given for the next [`TOP_UP_EVERY`] events, by kind: about what they will cost.
    pub(super) allowance: &'static [(&'static str, u32)],
    pub(super) deeds: &'static [Deed],
}

/// An organization gets credits anew after so many of its events.
pub(super) const TOP_UP_EVERY: u64 = 500;

/// Something that costs credits.
#[derive(Debug)]
pub(super) struct Deed {
    pub(super) kind: DeedKind,
    /// How often it happens by day and by night, against its neighbours.
    pub(super) weight: (u32, u32),
    /// What does it, and for which feature of the product.
    pub(super) entity: &'static str,
    pub(super) feature: &'static str,
}

#[derive(Debug)]
pub(super) enum DeedKind {
    /// So many of an action.
    Action(&'static str, (u64, u64)),
    /// A call of this direction; some have the add-on, where there is one.
    Call(&'static str, Option<&'static str>),
}

const fn act(
    action: &'static str,
    weight: (u32, u32),
    entity: &'static str,
    feature: &'static str,
    quantity: (u64, u64),
) -> Deed {
    Deed { kind: DeedKind::Action(action, quantity), weight, entity, feature }
}

const fn call(direction: &'static str, weight: (u32, u32), entity: &'static str) -> Deed {
    Deed { kind: DeedKind::Call(direction, Some("translation")), weight, entity, feature: "Calls" }
}

const CALLING: &[Deed] = &[
    call("outbound", (70, 5), "campaign"),
    call("inbound", (25, 10), "assistant"),
    call("outbound", (5, 1), "test_call"),
];

const OUTREACH: &[Deed] = &[
    act("email_sent", (40, 20), "campaign", "Platform", (1, 5)),
    act("profile_view", (15, 5), "campaign", "Extension", (1, 1)),
    act("reaction", (5, 1), "assistant", "Extension", (1, 1)),
    act("linkedin_message", (12, 2), "campaign", "Platform", (1, 1)),
    act("connection_request", (8, 1), "campaign", "Platform", (1, 1)),
    act("person_enrichment", (6, 6), "assistant", "API", (1, 3)),
    act("company_enrichment", (4, 4), "assistant", "API", (1, 1)),
    Deed { kind: DeedKind::Call("outbound", None), weight: (10, 0), entity: "campaign", feature: "Calls" },
];

const CRM: &[Deed] = &[
    act("ai_tokens", (40, 10), "copilot", "AI Copilot", (150, 4_000)),
    act("copilot_answer", (30, 5), "copilot", "AI Copilot", (1, 1)),
    act("pilot_task", (10, 8), "pilot", "AI Pilots", (1, 1)),
    act("flow_step", (15, 15), "smart_flow", "Smart Flows", (1, 20)),
    act("execution_steps", (5, 12), "execution_flow", "Smart Flows", (20, 400)),
];

const PROSPECTING: &[Deed] = &[
    act("email_reveal", (50, 10), "campaign", "Extension", (1, 3)),
    act("phone_reveal", (20, 3), "campaign", "Workspace", (1, 1)),
    act("mobile_reveal", (5, 1), "campaign", "Workspace", (1, 1)),
    act("export_row", (10, 10), "assistant", "Platform", (5, 100)),
    act("api_lookup", (15, 40), "assistant", "API", (1, 10)),
];

const LEADS: &[Deed] = &[
    act("lead_sourced", (50, 30), "campaign", "Platform", (1, 5)),
    act("phone_reveal", (20, 5), "campaign", "Platform", (1, 1)),
    act("lead_imported_crm", (10, 5), "campaign", "API", (5, 50)),
    act("lead_imported_csv", (5, 1), "campaign", "Platform", (10, 100)),
    act("email_sent", (15, 15), "campaign", "Platform", (1, 10)),
];

/// The trades, in the order in which organizations take them.
pub(super) const TRADES: [Trade; 7] = [
    Trade {
        plan: "calling-professional",
        increment: None,
        allowance: &[("credits", 11_000)],
        deeds: CALLING,
    },
    Trade { plan: "outreach", increment: None, allowance: &[("credits", 3_000)], deeds: OUTREACH },
    Trade { plan: "crm", increment: None, allowance: &[("credits", 1_300)], deeds: CRM },
    Trade { plan: "calling-base", increment: None, allowance: &[("credits", 12_500)], deeds: CALLING },
    Trade {
        plan: "prospecting",
        increment: None,
        allowance: &[("email", 550), ("phone", 320), ("export", 2_700), ("credits", 90)],
        deeds: PROSPECTING,
    },
    Trade { plan: "leads", increment: None, allowance: &[("credits", 2_000)], deeds: LEADS },
    Trade {
        plan: "calling-enterprise",
        increment: Some("1/1"),
        allowance: &[("credits", 9_500)],
        deeds: CALLING,
    },
];

/// Names for what people make.
pub(super) const NAMES: [&str; 8] = [
    "Spring outreach",
    "Renewals",
    "Trial follow-up",
    "Berlin event",
    "Win-back",
    "New markets",
    "Partner referrals",
    "Year-end offer",
];

/// Names of people.
pub(super) const PEOPLE: [&str; 12] =
    ["ada", "ben", "chloe", "dario", "elif", "farid", "grace", "hugo", "ines", "jonas", "kavya", "liam"];

/// Teams; a person belongs to one.
pub(super) const TEAMS: [&str; 3] = ["sales", "success", "growth"];

/// Units inside an organization.
pub(super) const ACCOUNTS: [&str; 3] = ["emea", "americas", "apac"];

/// What calls go to: the first digits of a number, and how many follow.
pub(super) const DESTINATIONS: [(&str, u32); 6] =
    [("4930", 8), ("4989", 8), ("1212", 7), ("1415", 7), ("4420", 8), ("9122", 8)];
