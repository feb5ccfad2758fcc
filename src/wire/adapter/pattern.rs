//! Subjects with wildcards, as NATS has them.

use std::fmt;

/// A pattern of subjects: `*` stands for one token, a last `>` for one or more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, and the remedy.
    pub fn parse(text: &str) -> Result<Pattern, String> {
        let tokens: Vec<&str> = text.split('.').collect();
        let sound = |(place, token): (usize, &&str)| match *token {
            "*" => true,
            ">" => place + 1 == tokens.len(),
            token => {
                !token.is_empty()
                    && !token.contains(['*', '>'])
                    && token.bytes().all(|b| b.is_ascii_graphic())
            }
        };
        if !tokens.iter().enumerate().all(sound) {
            return Err(format!("{text:?} is not a subject; write \"fs.cdr.*\" or \"fs.cdr.>\""));
        }
        if matches!(tokens.first(), Some(&"credits" | &"*" | &">")) {
            return Err(format!(
                "{text:?} holds creditd's own subjects; let the system publish beside them, such as on \"fs.cdr.*\""
            ));
        }
        Ok(Pattern(text.to_owned()))
    }

    /// Whether a subject is one of them.
    #[must_use]
    pub fn covers(&self, subject: &str) -> bool {
        let mut tokens = subject.split('.');
        for wanted in self.0.split('.') {
            match (wanted, tokens.next()) {
                (">", Some(_)) => return true,
                ("*", Some(_)) => {}
                (wanted, Some(token)) if wanted == token => {}
                _ => return false,
            }
        }
        tokens.next().is_none()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_one_token_or_for_the_rest() {
        let covers = |pattern: &str, subject: &str| Pattern::parse(pattern).unwrap().covers(subject);
        assert!(covers("fs.cdr.*", "fs.cdr.acme"));
        assert!(!covers("fs.cdr.*", "fs.cdr.acme.x"));
        assert!(!covers("fs.cdr.*", "fs.cdr"));
        assert!(covers("fs.>", "fs.cdr.acme.x"));
        assert!(!covers("fs.>", "fs"));
        for bad in ["", "fs..cdr", "fs.>.x", "fs.c*", "fs cdr", "credits.events.acme", ">", "*.cdr"] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }
}
