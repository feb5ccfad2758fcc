//! The letter: a report as a mail. HTML that reads without images and prints well, the same as plain text, and the whole table as CSV.

mod html;
mod plain;

use std::time::{Duration, SystemTime};

use jiff::civil;
use lettre::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart};

use super::Key;
use super::sending::{Sending, Why};
use crate::ledger::calendar::Zone;
use crate::ledger::units::{Position, Timestamp};
use crate::query::{RangeState, Sheet, Usage};
use crate::wire::{self, time};

/// The most groups that stand in a letter itself; all are in the table that comes with it.
const MOST_ROWS: usize = 100;

/// What says to programs that a CSV is in UTF-8.
const BOM: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// A report about one period, the same for each of its recipients.
#[derive(Debug)]
pub(super) struct Letter {
    key: Key,
    created: Position,
    subject: String,
    /// What the parts tell.
    told: Told,
    csv: Vec<u8>,
}

/// What a letter tells.
#[derive(Debug)]
pub(super) struct Told {
    /// Of whom.
    org: String,
    period: String,
    compared_with: Option<String>,
    /// What it is chosen by, in words.
    filters: Vec<String>,
    sheet: Sheet,
    /// How many groups there are.
    groups: usize,
    series: Option<Sheet>,
    zone: String,
    as_of: String,
    missed: Vec<String>,
}

/// Why a mail cannot be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum LetterError {
    #[error(transparent)]
    Address(#[from] wire::MailAddressError),
    #[error("it cannot be written as a mail: {0}")]
    Mail(#[from] lettre::error::Error),
}

/// What is known of a report beside its figures.
pub(super) struct About<'a> {
    pub(super) key: &'a Key,
    pub(super) created: Position,
    /// The name of the organization, where it has one.
    pub(super) org_name: Option<&'a str>,
    pub(super) title: Option<&'a str>,
    /// What it is chosen by: names and values.
    pub(super) filters: Vec<String>,
    pub(super) zone: &'a Zone,
}

impl Letter {
    /// The letter with these figures.
    pub(super) fn new(about: &About<'_>, usage: &Usage, sending: &Sending) -> Letter {
        let About { key, created, org_name, title, filters, zone } = about;
        let org = org_name.unwrap_or(&key.org).to_owned();
        let period = period(&usage.range);
        let subject = match title {
            Some(title) => title.replace("{org}", &org).replace("{period}", &period),
            None => format!("Usage of {org}: {period}"),
        };
        let local = |instant: &Timestamp| local(*instant, zone);
        let told = Told {
            org,
            period,
            compared_with: usage.compared_with.as_ref().map(self::period),
            filters: filters.clone(),
            sheet: usage.sheet(MOST_ROWS),
            groups: if usage.group_by.is_empty() { 0 } else { usage.meta.groups },
            series: usage.series_sheet(),
            zone: usage.zone.clone(),
            as_of: local(&usage.as_of),
            missed: sending.missed.iter().map(local).collect(),
        };
        let csv = [&BOM[..], &usage.csv()].concat();
        Letter { key: Key::clone(key), created: *created, subject, told, csv }
    }

    /// The mail to one recipient, who may leave by a link.
    pub(super) fn mail(
        &self,
        from: &Mailbox,
        to: &str,
        sending: &Sending,
        leave: Option<&str>,
    ) -> Result<Message, LetterError> {
        let mut mail = Message::builder()
            .from(from.clone())
            .to(Mailbox::new(None, wire::mail_address(to)?))
            .subject(self.subject.clone())
            .date(system_time(sending.begun))
            .message_id(Some(self.message_id(from, to, sending)))
            .raw_header(raw("Auto-Submitted", "auto-generated"));
        if let Some(leave) = leave {
            mail = mail
                .raw_header(raw("List-Unsubscribe", &format!("<{leave}>")))
                .raw_header(raw("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"));
        }
        let bodies = MultiPart::alternative_plain_html(
            plain::write(&self.subject, &self.told, leave),
            html::write(&self.subject, &self.told, leave),
        );
        let csv =
            ContentType::parse("text/csv; charset=utf-8; header=present").unwrap_or(ContentType::TEXT_PLAIN);
        let table = Attachment::new(self.file_name()).body(self.csv.clone(), csv);
        Ok(mail.multipart(MultiPart::mixed().multipart(bodies).singlepart(table))?)
    }

    /// The same for every attempt at this mail, so that a mail system that has it already can drop a repeat.
    fn message_id(&self, from: &Mailbox, to: &str, sending: &Sending) -> String {
        let which = match sending.why {
            Why::Scheduled(due) => format!("due {}", due.micros()),
            Why::OnDemand => format!("asked {} {}", sending.number, sending.begun.micros()),
        };
        let Key { org, id } = &self.key;
        let text = format!("{org}\0{id}\0{}\0{which}\0{to}", self.created);
        let digest = xxhash_rust::xxh3::xxh3_128(text.as_bytes());
        format!("<{digest:032x}.report@{}>", from.email.domain())
    }

    /// `acme-weekly-january-2026.csv`.
    fn file_name(&self) -> String {
        let plain = |text: &str| {
            let letters =
                text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
            letters.collect::<String>()
        };
        format!("{}-{}-{}.csv", self.key.org, self.key.id, plain(&self.told.period))
    }
}

fn raw(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::dangerous_new_pre_encoded(
        HeaderName::new_from_ascii_str(name),
        value.to_owned(),
        value.to_owned(),
    )
}

fn system_time(instant: Timestamp) -> SystemTime {
    let since = u64::try_from(instant.micros()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_micros(since)
}

/// An instant as the clocks of a zone show it.
fn local(instant: Timestamp, zone: &Zone) -> String {
    zone.civil(instant)
        .map_or_else(|| time::format(instant), |civil| civil.strftime("%-d %B %Y, %H:%M").to_string())
}

/// A range in words: whole months and days by their names, all else by its instants.
fn period(range: &RangeState) -> String {
    let civil = |text: &str| text.get(..19)?.parse::<civil::DateTime>().ok();
    let (Some(from), Some(to)) = (civil(&range.from), civil(&range.to)) else {
        return format!("{} to {}", range.from, range.to);
    };
    let day = |date: civil::Date| date.strftime("%-d %B %Y").to_string();
    let midnight = civil::Time::midnight();
    if (from.time(), to.time()) != (midnight, midnight) {
        let shown = |at: civil::DateTime| at.strftime("%-d %B %Y %H:%M").to_string();
        return format!("{} to {}", shown(from), shown(to));
    }
    let (first, end) = (from.date(), to.date());
    let last = end.yesterday().unwrap_or(end);
    if first.day() == 1 && last == first.last_of_month() {
        return first.strftime("%B %Y").to_string();
    }
    if first == last { day(first) } else { format!("{} to {}", day(first), day(last)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_told_as_people_say_it() {
        let told = |from: &str, to: &str| {
            period(&RangeState { name: None, from: from.to_owned(), to: to.to_owned() })
        };
        assert_eq!(told("2026-01-01T00:00:00+01:00", "2026-02-01T00:00:00+01:00"), "January 2026");
        assert_eq!(
            told("2026-03-23T00:00:00+01:00", "2026-03-30T00:00:00+02:00"),
            "23 March 2026 to 29 March 2026"
        );
        assert_eq!(told("2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z"), "5 January 2026");
        assert_eq!(
            told("2026-01-05T09:30:00Z", "2026-02-05T09:30:00Z"),
            "5 January 2026 09:30 to 5 February 2026 09:30"
        );
    }
}
