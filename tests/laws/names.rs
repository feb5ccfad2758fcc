//! Names: whatever is cached, forgotten or decoded again, they are as a plain list of all that was said has them.

use std::collections::BTreeMap;

use creditd::ledger::effect::Outcome;
use creditd::ledger::entry::{
    Command, Dimensions, Entry, Event, Kind as What, OrgTerms, Void, What as Whats,
};
use creditd::ledger::names::{Card, Key, Kind, NameOrder};
use creditd::ledger::units::{EventId, Millis, Position, Timestamp};
use proptest::prelude::*;

use super::books::Books;
use super::history;

const START: Timestamp = Timestamp::from_micros(1_767_607_200_000_000);
/// Few texts, so that they meet: the same ones for everything.
const TEXTS: [&str; 4] = ["a", "b", "c", "ä/%"];
const KINDS: [Kind; 4] = [Kind::Account, Kind::Team, Kind::User, Kind::Entity];

#[derive(Clone, Debug)]
enum Step {
    /// An event with its account, user, team, entity (type and id) and the entity's name. An action without a price is refused.
    Event([Option<usize>; 6], bool),
    /// The event so many before is sent again.
    Again(usize),
    /// The event so many before is taken back.
    Void(usize),
    /// A put: of which kind, type and id, with a name and what it belongs to.
    Put(usize, usize, usize, Option<usize>, Option<usize>),
    /// The organization gets a name of its own.
    Rename(usize),
    /// Through a checkpoint: nothing is cached any more.
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let text = || proptest::option::of(0_usize..4);
    let event = (prop::array::uniform6(text()), prop::bool::weighted(0.9));
    let step = prop_oneof![
        12 => event.prop_map(|(texts, priced)| Step::Event(texts, priced)),
        2 => (1_usize..9).prop_map(Step::Again),
        1 => (1_usize..9).prop_map(Step::Void),
        4 => (0_usize..4, 0_usize..2, 0_usize..4, text(), text())
            .prop_map(|(kind, of, id, name, within)| Step::Put(kind, of, id, name, within)),
        1 => (0_usize..4).prop_map(Step::Rename),
        1 => Just(Step::Restart),
    ];
    proptest::collection::vec(step, 1..120)
}

/// What is known of one, as somebody with a notebook would have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Note {
    put: (Option<String>, Option<String>),
    told: (Option<String>, Option<String>),
    first: Option<Timestamp>,
}

type Notes = BTreeMap<(Kind, String, String), Note>;

fn note<'n>(notes: &'n mut Notes, key: (Kind, &str, &str), at: Timestamp) -> &'n mut Note {
    let note = notes.entry((key.0, key.1.to_owned(), key.2.to_owned())).or_default();
    note.first = note.first.or(Some(at));
    note
}

/// What an event tells, when it was charged.
fn hear(notes: &mut Notes, of: &Dimensions<'_>, at: Timestamp) {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    if let Some(id) = of.account {
        note(notes, (Kind::Account, "", id), at);
    }
    if let Some(id) = of.team {
        note(notes, (Kind::Team, "", id), at);
    }
    if let Some(id) = of.user {
        let note = note(notes, (Kind::User, "", id), at);
        note.told.1 = owned(of.team).or(note.told.1.take());
    }
    if let Some((kind, id)) = of.entity_type.zip(of.entity_id) {
        let note = note(notes, (Kind::Entity, kind, id), at);
        note.told.0 = owned(of.entity_name).or(note.told.0.take());
        note.told.1 = owned(of.account).or(note.told.1.take());
    }
}

struct Notebook {
    books: Books,
    notes: Notes,
    name: Option<String>,
    seq: u64,
    sent: Vec<Event<'static>>,
}

impl Notebook {
    fn new() -> Notebook {
        let books = Books::new(history::catalog());
        let mut new = Notebook { books, notes: Notes::new(), name: None, seq: 0, sent: Vec::new() };
        new.command(Command::PutOrg(terms(None)));
        new
    }

    fn at(&self) -> Timestamp {
        START.plus(Millis(self.seq * 1_000))
    }

    fn apply(&mut self, what: Whats<'_>) -> Outcome {
        self.seq += 1;
        self.books.apply(&Entry { position: Position { seq: self.seq, item: 0 }, at: self.at(), what })
    }

    fn command(&mut self, command: Command) {
        assert_eq!(self.apply(Whats::Command(command)), Outcome::Done);
    }

    fn send(&mut self, event: Event<'static>) {
        let of = event.dimensions;
        // The entry about to be applied.
        let at = START.plus(Millis((self.seq + 1) * 1_000));
        if let Outcome::Charged(_) = self.apply(Whats::Event(event)) {
            hear(&mut self.notes, &of, at);
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Event(texts, priced) => {
                let [account, user, team, entity_type, entity_name, id] =
                    texts.map(|text| text.map(|n| TEXTS[n]));
                let entity_id = entity_type.map(|_| id.unwrap_or("a"));
                let entity_name = entity_name.filter(|_| entity_type.is_some());
                let dimensions =
                    Dimensions { account, user, team, entity_type, entity_id, entity_name, feature: id };
                let action = if *priced { "message" } else { "unheard_of" };
                let (id, time) = (EventId::of("law", &self.seq.to_string()), self.at());
                let event = Event { id, time, dimensions, kind: What::Action { action, quantity: 1 } };
                self.sent.push(event.clone());
                self.send(event);
            }
            Step::Again(back) => {
                let known = self.sent.iter().rev().nth(*back).cloned();
                known.into_iter().for_each(|event| self.send(event));
            }
            Step::Void(back) => {
                let known = self.sent.iter().rev().nth(*back).cloned();
                if let Some(event) = known {
                    let void = Void { target: event.id, target_time: Some(event.time) };
                    let id = EventId::of("law", &format!("void {}", self.seq));
                    // A void names somebody too: nobody learns of it.
                    let dimensions = Dimensions { user: Some("nobody"), ..Dimensions::default() };
                    self.send(Event { id, time: event.time, dimensions, kind: What::Void(void) });
                }
            }
            Step::Put(kind, of, id, name, within) => {
                self.put(KINDS[*kind], TEXTS[*of], TEXTS[*id], *name, *within)
            }
            Step::Rename(name) => {
                self.name = Some(TEXTS[*name].to_owned());
                self.command(Command::PutOrg(terms(Some(TEXTS[*name]))));
            }
            Step::Restart => self.books.restart(),
        }
    }

    fn put(&mut self, kind: Kind, of: &str, id: &str, name: Option<usize>, within: Option<usize>) {
        let of = if kind == Kind::Entity { of } else { "" };
        let has_within = matches!(kind, Kind::User | Kind::Entity);
        let (name, within) = (name.map(|n| TEXTS[n]), within.map(|n| TEXTS[n]).filter(|_| has_within));
        let card = Card { name: name.map(Box::from), within: within.map(Box::from), ..Card::default() };
        self.command(Command::PutName(NameOrder { kind, entity_type: of.into(), id: id.into(), card }));
        let at = self.at();
        note(&mut self.notes, (kind, of, id), at).put = (name.map(str::to_owned), within.map(str::to_owned));
        let beside = if kind == Kind::User { Kind::Team } else { Kind::Account };
        if let Some(id) = within {
            note(&mut self.notes, (beside, "", id), at);
        }
    }

    /// What the organization has that the notebook has not, or has otherwise.
    fn check(&self) {
        let names = self.books.org.names();
        let shown: Vec<_> = KINDS
            .into_iter()
            .flat_map(|kind| names.into_iter().flat_map(move |names| names.from(kind, ("", ""))))
            .map(|(key, record)| {
                let Key { kind, entity_type, id } = key;
                let text = |text: Option<&str>| text.map(str::to_owned);
                let said = (text(record.name()), text(record.within()), Some(record.first_seen));
                ((kind, entity_type.to_owned(), id.to_owned()), said)
            })
            .collect();
        let noted: Vec<_> = self
            .notes
            .iter()
            .map(|(key, note)| {
                let Note { put, told, first } = note.clone();
                (key.clone(), (put.0.or(told.0), put.1.or(told.1), first))
            })
            .collect();
        assert_eq!(shown, noted);
        assert_eq!(names.map_or(0, |names| names.len()), noted.len());
        assert_eq!(self.books.org.name(), self.name.as_deref());
    }
}

fn terms(name: Option<&str>) -> OrgTerms {
    OrgTerms { plan: "overage".into(), name: name.map(Box::from), ..OrgTerms::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn names_are_as_a_plain_list_has_them(steps in steps()) {
        let mut notebook = Notebook::new();
        for step in &steps {
            notebook.step(step);
            notebook.check();
        }
        // Whoever went through no checkpoint has the same bytes.
        let mut plain = Notebook::new();
        steps.iter().filter(|step| !matches!(step, Step::Restart)).for_each(|step| plain.step(step));
        prop_assert_eq!(plain.books.bytes(), notebook.books.bytes());
    }
}
