//! Outside JSON ↔ the ledger's checked types.
//!
//! A record holds one item, a JSON array of items, or one item a line (NDJSON). Each item stands alone: a bad one
//! is refused with its field, its value and the remedy, and its neighbours are not touched. Once an item has
//! passed here it cannot have an impossible value.

pub mod adapter;
mod answer;
mod authorization;
mod calls;
mod catalog;
mod command;
mod event;
mod fields;
mod items;
mod limit;
mod mail;
mod notice;
mod object;
mod recharge;
mod restart;
mod rule;
mod schema;
mod sorting;
mod subject;
mod text;
pub mod time;
mod types;
mod webhook;

pub use answer::{alert_id, alert_json, charge_json, movement_json, outcome_json, rejected_json};
pub use authorization::{Asked, hold_command, hold_id, read_hold_id, release_command};
pub use calls::{call_message_id, call_news_json, orphaned_json};
pub use catalog::{catalog_commands_from_toml, catalog_json};
pub use command::{AnyCommand, decode_command};
pub use event::{Decoder, MOST_ITEMS};
pub use items::item_text;
pub use limit::{limit_alert_id, limit_alert_json, on_json, token};
pub use mail::{MailAddressError, mail_address, mailbox};
pub use notice::{notice_id, notice_json};
pub use object::Object;
pub use recharge::{recharge_alert_id, recharge_alert_json};
pub use restart::{SourceRestart, source_restarted};
pub use sorting::{Lot, Parcel, RECORD_BYTES, Sorted, sort};
pub use subject::{CATALOG, Subject, SubjectError, org_id};
pub use webhook::{
    EndpointUrlError, LONGEST_URL, SECRET_PREFIX, SecretError, WebhookNameError, endpoint_url, secret_bytes,
    webhook_name,
};
