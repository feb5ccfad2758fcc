//! The answer about usage as a table: a row for each group, or for each point of each.

use std::collections::BTreeSet;
use std::fmt::Display;

use super::answer::{GroupLine, Point, Usage, Value};
use super::dimension::Dimension;
use super::sums::{Compared, Figures, OfType, Percent, Sums};
use crate::ledger::price::CreditType;
use crate::query::csv::{Cell, Table};

/// What is counted, in the order of the columns.
const COUNTED: [&str; 7] =
    ["quantity", "calls", "calls_made", "calls_received", "billed_seconds", "talked_ms", "charges"];

/// What stands beside the figures where they are compared.
const BESIDE: [&str; 3] = ["before", "difference", "percent"];

impl Usage {
    /// The rows of this answer as CSV: what is in `data`, no less and no more.
    #[must_use]
    pub fn csv(&self) -> Vec<u8> {
        let compares = self.compared_with.is_some();
        let columns = Columns { types: self.types(), compares };
        let mut table = Table::new();
        table.head(&self.header(&columns));
        for row in self.data.iter().flat_map(|line| rows(line, &columns)) {
            table.row(&row);
        }
        table.finish()
    }

    /// Every kind of credits that is in the answer.
    fn types(&self) -> BTreeSet<CreditType> {
        let before = self.totals.compared.iter().flat_map(|compared| compared.before.credits.types());
        self.totals.figures.credits.types().chain(before).collect()
    }

    fn header(&self, columns: &Columns) -> Vec<String> {
        let mut header: Vec<String> = Vec::new();
        for dimension in Dimension::ALL.iter().filter(|one| self.group_by.contains(&one.name())) {
            let name = dimension.name();
            let own = match dimension {
                // Its type is a column of its own, also where it is no dimension of the answer.
                Dimension::Entity => {
                    vec!["entity.type".to_owned(), "entity.id".to_owned(), "entity.name".to_owned()]
                }
                _ if dimension.kind().is_some() => vec![format!("{name}.id"), format!("{name}.name")],
                _ => vec![name.to_owned()],
            };
            header.extend(own);
        }
        if self.interval.is_some() {
            header.extend(["from".to_owned(), "to".to_owned()]);
        }
        header.extend(columns.names(""));
        if columns.compares {
            header.extend(BESIDE.iter().flat_map(|beside| columns.names(&format!("{beside}."))));
        }
        header
    }
}

/// The columns of figures.
struct Columns {
    types: BTreeSet<CreditType>,
    compares: bool,
}

impl Columns {
    fn names(&self, before: &str) -> Vec<String> {
        let credits = self.types.iter().map(|credit_type| format!("{before}credits.{credit_type}"));
        credits.chain(COUNTED.iter().map(|name| format!("{before}{name}"))).collect()
    }

    fn figures(&self, figures: &Sums, compared: Option<&Compared>, row: &mut Vec<Cell<'_>>) {
        self.cells(figures, &Cell::Plain("0".into()), plain, plain, row);
        if !self.compares {
            return;
        }
        let Some(Compared { before, difference, percent }) = compared else {
            let width = self.types.len().saturating_add(COUNTED.len()).saturating_mul(BESIDE.len());
            row.extend(std::iter::repeat_n(Cell::Empty, width));
            return;
        };
        self.cells(before, &Cell::Plain("0".into()), plain, plain, row);
        self.cells(difference, &Cell::Plain("0".into()), plain, plain, row);
        let known = |percent: &Option<Percent>| percent.as_ref().map_or(Cell::Empty, plain);
        self.cells(percent, &Cell::Empty, known, known, row);
    }

    fn cells<C, N>(
        &self,
        figures: &Figures<C, N>,
        no_credits: &Cell<'static>,
        credits: impl Fn(&C) -> Cell<'static>,
        number: impl Fn(&N) -> Cell<'static>,
        row: &mut Vec<Cell<'_>>,
    ) {
        let Figures { credits: of, quantity, calls, calls_made, calls_received, .. } = figures;
        let Figures { billed_seconds, talked_ms, charges, .. } = figures;
        let of_type = |of: &OfType<C>, credit_type| of.get(credit_type).map(&credits);
        row.extend(self.types.iter().map(|kind| of_type(of, *kind).unwrap_or_else(|| no_credits.clone())));
        let counted = [quantity, calls, calls_made, calls_received, billed_seconds, talked_ms, charges];
        row.extend(counted.map(number));
    }
}

fn plain(number: &impl Display) -> Cell<'static> {
    Cell::Plain(number.to_string().into())
}

fn rows<'l>(line: &'l GroupLine, columns: &Columns) -> Vec<Vec<Cell<'l>>> {
    let mut group: Vec<Cell<'l>> = Vec::new();
    for dimension in Dimension::ALL {
        group.extend(line.group.all().iter().filter(|value| value.dimension == dimension).flat_map(values));
    }
    let Some(series) = &line.line.series else {
        columns.figures(&line.line.figures, line.line.compared.as_ref(), &mut group);
        return vec![group];
    };
    let row = |point: &'l Point| {
        let mut row = group.clone();
        row.extend([&point.from, &point.to].map(|instant| Cell::Plain((&**instant).into())));
        columns.figures(&point.figures, point.compared.as_ref().and_then(Option::as_ref), &mut row);
        row
    };
    series.iter().map(row).collect()
}

fn values(value: &Value) -> Vec<Cell<'_>> {
    let (id, name) = (Cell::text(value.id.as_deref()), Cell::text(value.name.as_deref()));
    match value.dimension {
        Dimension::Entity => vec![Cell::text(Some(&*value.entity_type)), id, name],
        dimension if dimension.kind().is_some() => vec![id, name],
        _ => vec![id],
    }
}
