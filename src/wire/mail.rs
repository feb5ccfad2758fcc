//! Addresses that mail goes to.

use lettre::Address;
use lettre::message::Mailbox;

/// The longest address, in bytes (RFC 5321).
const LONGEST_ADDRESS: usize = 254;

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not the address of a mailbox: write one such as \"ana@example.com\", without a name and in ASCII (a domain of other \
     letters as xn--…)"
)]
pub struct MailAddressError(String);

/// The address of a mailbox, checked: `local@domain`, in ASCII.
///
/// # Errors
/// [`MailAddressError`] where it is none.
pub fn mail_address(text: &str) -> Result<Address, MailAddressError> {
    let shown = || MailAddressError(text.chars().take(80).collect());
    let sound = text.len() <= LONGEST_ADDRESS && text.bytes().all(|byte| byte.is_ascii_graphic());
    if sound { text.parse().map_err(|_| shown()) } else { Err(shown()) }
}

/// Who a mail is from, as it is shown: `usage@example.com`, or `Usage <usage@example.com>`.
///
/// # Errors
/// [`MailAddressError`] where the address is none.
pub fn mailbox(text: &str) -> Result<Mailbox, MailAddressError> {
    let refused = || MailAddressError(text.chars().take(80).collect());
    let mailbox: Mailbox = text.parse().map_err(|_| refused())?;
    mail_address(mailbox.email.as_ref()).map(|_| mailbox)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_mailbox_and_nothing_else() {
        for good in ["ana@example.com", "a.b+c@mail.example.co", "o'neil@example.com", "root@localhost"] {
            assert!(mail_address(good).is_ok(), "{good}");
        }
        let long = format!("{}@example.com", "x".repeat(250));
        for bad in [
            "",
            "ana",
            "@example.com",
            "ana@",
            "Ana <ana@example.com>",
            "a b@example.com",
            "ana@example.com\r\nBcc: x@example.com",
            "änne@example.com",
            &long,
        ] {
            assert!(mail_address(bad).is_err(), "{bad}");
        }
    }
}
