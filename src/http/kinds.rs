//! The kinds of problems, each with the statuses it is answered with: what the documents say of them.

/// All of them: those of HTTP first, then the reasons of the ledger and the decoder for which content is refused.
pub(super) const KINDS: [(&str, &[u16]); 64] = [
    ("invalid_path", &[400]),
    ("invalid_parameter", &[400]),
    ("broken_body", &[400]),
    ("token_missing", &[401]),
    ("token_invalid", &[401]),
    ("token_expired", &[401]),
    ("token_revoked", &[401]),
    ("permission_missing", &[403]),
    ("org_scope", &[403]),
    ("account_scope", &[403]),
    ("other_site", &[403]),
    ("no_rule", &[403]),
    ("unknown_route", &[404]),
    ("unknown_adapter", &[404]),
    ("unknown_call", &[404]),
    ("unknown_charge", &[404]),
    ("unknown_hold", &[404]),
    ("unknown_message", &[404]),
    ("unknown_name", &[404]),
    ("unknown_portal_link", &[404]),
    ("unknown_token", &[404]),
    ("unknown_what_if", &[404]),
    ("wrong_method", &[405]),
    ("body_timeout", &[408]),
    ("mail_not_configured", &[409]),
    ("not_done", &[409]),
    ("record_refused", &[413]),
    ("encoded_body", &[415]),
    ("forbidden_target", &[422]),
    ("rate_limited", &[429]),
    ("internal", &[500]),
    ("busy", &[503]),
    ("catching_up", &[503]),
    ("log_unavailable", &[503]),
    ("reports_unavailable", &[503]),
    ("stopped", &[503]),
    ("tokens_unavailable", &[503]),
    ("unavailable", &[503]),
    ("webhooks_unavailable", &[503]),
    ("outcome_open", &[504]),
    ("not_json", &[400, 422]),
    ("missing_field", &[400, 422]),
    ("invalid_field", &[400, 422]),
    ("unknown_type", &[422]),
    ("org_mismatch", &[400, 422]),
    ("unknown_org", &[404, 422]),
    ("time_out_of_range", &[400, 422]),
    ("unknown_action", &[422]),
    ("amount_too_large", &[422]),
    ("limit_reached", &[422]),
    ("insufficient_credits", &[422]),
    ("call_ended", &[422]),
    ("call_answered", &[422]),
    ("unknown_event", &[422]),
    ("unknown_grant", &[404, 422]),
    ("unknown_limit", &[404]),
    ("unknown_recharge", &[404]),
    ("unknown_webhook", &[404]),
    ("unknown_report", &[404]),
    ("unknown_plan", &[422]),
    ("unknown_rate_card", &[422]),
    ("conflict", &[409, 422]),
    ("too_many", &[409, 413, 422]),
    ("too_large", &[413, 422]),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::ledger::rejection::Reason;

    #[test]
    fn every_reason_of_a_refusal_is_a_kind_and_every_kind_is_in_the_documents() {
        let all: BTreeSet<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(all.len(), KINDS.len(), "a kind is there twice");
        // A subject is NATS's: over HTTP there is none that could be unknown.
        let reasons = Reason::ALL.into_iter().filter(|reason| *reason != Reason::UnknownSubject);
        let missing: Vec<&str> = reasons.map(Reason::slug).filter(|slug| !all.contains(slug)).collect();
        assert!(missing.is_empty(), "{missing:?}");
        let documents = [
            include_str!("../../docs/HTTP.md"),
            include_str!("../../docs/ACCESS.md"),
            include_str!("../../docs/EVENTS.md"),
        ];
        let is_told = |kind: &&str| {
            documents
                .iter()
                .any(|text| text.contains(&format!("`{kind}`")) || text.contains(&format!(" {kind}`")))
        };
        let untold: Vec<&str> = all.into_iter().filter(|kind| !is_told(kind)).collect();
        assert!(untold.is_empty(), "{untold:?} are in no document");
    }
}
