//! Any text as a catalog file: what is read are commands that the decoder takes.
#![no_main]

use creditd::wire::{Subject, catalog_commands_from_toml, decode_command};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    match catalog_commands_from_toml(input) {
        Err(why) => assert!(!why.is_empty()),
        Ok(commands) => {
            for command in commands {
                decode_command(Subject::Catalog, command.as_bytes(), &mut |item, decoded| {
                    assert_eq!(item, 0);
                    assert!(decoded.is_ok(), "{command}: {decoded:?}");
                });
            }
        }
    }
});
