//! Any bytes as a message of each shipped adapter's system: an event that comes of it is one that the decoder takes, and the same every time.
#![no_main]

use std::sync::OnceLock;

use creditd::ledger::units::Timestamp;
use creditd::wire::Decoder;
use creditd::wire::adapter::{Adapter, Adapters, Message, Translation};
use libfuzzer_sys::fuzz_target;

/// 2026-01-05T10:05:00Z.
const AT: i64 = 1_767_607_500_000_000;

const PRESETS: [&str; 8] = [
    include_str!("../../config/adapters/asterisk.toml"),
    include_str!("../../config/adapters/freeswitch.toml"),
    include_str!("../../config/adapters/jambonz.toml"),
    include_str!("../../config/adapters/kamailio.toml"),
    include_str!("../../config/adapters/livekit.toml"),
    include_str!("../../config/adapters/retell.toml"),
    include_str!("../../config/adapters/twilio.toml"),
    include_str!("../../config/adapters/vapi.toml"),
];

fn adapters() -> &'static Adapters {
    static ADAPTERS: OnceLock<Adapters> = OnceLock::new();
    ADAPTERS.get_or_init(|| {
        let mut all = Adapters::default();
        for text in PRESETS {
            all.append("preset", Adapters::from_toml("preset", text).expect("a sound preset"))
                .expect("other names");
        }
        all
    })
}

fn check(adapter: &Adapter, message: &Message<'_>) {
    let translated = adapter.translate(message);
    assert_eq!(translated, adapter.translate(message), "the same message is always the same event");
    match translated {
        Ok(Translation::Event(normalised)) => {
            let decoder = Decoder { org: &normalised.org, headers: &[], at: message.at };
            let mut decoded = 0;
            decoder.decode(normalised.json().as_bytes(), &mut |_, event| {
                assert!(event.is_ok(), "{}: {event:?}", normalised.json());
                decoded += 1;
            });
            assert_eq!(decoded, 1);
        }
        Ok(Translation::Ignored { why, .. }) => assert!(!why.is_empty()),
        Err(rejection) => assert!(!rejection.detail.is_empty()),
    }
}

fuzz_target!(|body: &[u8]| {
    let message = Message { subject: None, headers: &[], at: Timestamp::from_micros(AT), seq: Some(1), body };
    for adapter in adapters().iter() {
        check(adapter, &message);
    }
});
