//! Who spent, for what, and what paid: what tells one cell from another.

use crate::ledger::entry::GrantKind;
use crate::ledger::price::CreditType;
use crate::store::cells::{TEXTS, Texts};

/// By whom and for what something was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent<'a> {
    /// The account.
    pub account: Option<&'a str>,
    /// The type of what spent, and its id.
    pub entity: Option<(&'a str, &'a str)>,
    /// The user.
    pub user: Option<&'a str>,
    /// The team.
    pub team: Option<&'a str>,
    /// The product area.
    pub feature: Option<&'a str>,
    /// The action; an add-on is one of its own.
    pub action: &'a str,
    /// The kind of credits.
    pub credit_type: CreditType,
    /// What paid; none for what was free.
    pub paid_by: Option<PaidBy>,
}

/// What kind of grant paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaidBy {
    /// One of that kind.
    Grant(GrantKind),
    /// None: it is counted apart.
    Overage,
}

impl PaidBy {
    /// All of them.
    pub const ALL: [PaidBy; 4] = [
        PaidBy::Grant(GrantKind::Plan),
        PaidBy::Grant(GrantKind::Bonus),
        PaidBy::Grant(GrantKind::Purchased),
        PaidBy::Overage,
    ];

    /// Its name.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            PaidBy::Grant(GrantKind::Plan) => "plan",
            PaidBy::Grant(GrantKind::Bonus) => "bonus",
            PaidBy::Grant(GrantKind::Purchased) => "purchased",
            PaidBy::Overage => "overage",
        }
    }
}

/// What is told of what was spent, by the place of its text in a tuple.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of Spent say what they are")]
pub enum Field {
    Account,
    EntityType,
    EntityId,
    User,
    Team,
    Feature,
    Action,
    CreditType,
    PaidBy,
}

impl Field {
    /// Which texts of a tuple some fields are.
    pub(super) fn texts(fields: impl IntoIterator<Item = Field>) -> [bool; TEXTS] {
        let mut texts = [false; TEXTS];
        fields.into_iter().for_each(|field| texts[field as usize] = true);
        texts
    }
}

impl<'a> Spent<'a> {
    /// As the store keeps it.
    pub(super) fn texts(&'a self) -> Texts<'a> {
        let (entity_type, entity) = self.entity.unzip();
        [
            self.account,
            entity_type,
            entity,
            self.user,
            self.team,
            self.feature,
            Some(self.action),
            Some(self.credit_type.name()),
            self.paid_by.map(PaidBy::slug),
        ]
    }

    /// From what the store keeps; `None` where it is not that.
    pub(super) fn of(texts: Texts<'a>) -> Option<Spent<'a>> {
        let [account, entity_type, entity, user, team, feature, action, credit_type, paid_by] = texts;
        let paid_by = match paid_by {
            Some(slug) => Some(PaidBy::ALL.into_iter().find(|kind| kind.slug() == slug)?),
            None => None,
        };
        Some(Spent {
            account,
            entity: entity_type.zip(entity),
            user,
            team,
            feature,
            action: action?,
            credit_type: CreditType::new(credit_type?)?,
            paid_by,
        })
    }
}
