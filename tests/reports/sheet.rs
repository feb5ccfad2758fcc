//! A table in a real spreadsheet: LibreOffice opens it without a screen and says what it took each cell for.

use std::fs;
use std::process::Command;

/// A cell as the spreadsheet took it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// A number, as the spreadsheet writes it.
    Number(String),
    /// A text.
    Text(String),
    /// It runs something.
    Formula(String),
}

/// The cells of a CSV, row by row.
pub fn open(csv: &[u8]) -> Vec<Vec<Cell>> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("table.csv");
    fs::write(&file, csv).unwrap();
    let profile = format!("-env:UserInstallation=file://{}", folder.path().join("profile").display());
    let converted = Command::new("soffice")
        // Commas, quotes, UTF-8, from the first line on: what its dialogue proposes for such a file.
        .args([&profile, "--headless", "--infilter=CSV:44,34,76,1", "--convert-to", "fods", "--outdir"])
        .args([folder.path(), &file])
        .output()
        .expect("LibreOffice is missing: run `make tools`");
    assert!(converted.status.success(), "{converted:?}");
    cells(&fs::read_to_string(folder.path().join("table.fods")).unwrap())
}

/// Takes the table out of a flat OpenDocument spreadsheet.
fn cells(document: &str) -> Vec<Vec<Cell>> {
    let table = between(document, "<table:table ", "</table:table>").expect("a table");
    let mut rows = Vec::new();
    let mut rest = table;
    while let Some(row) = between(rest, "<table:table-row", "</table:table-row>") {
        rest = &rest[rest.find(row).unwrap() + row.len()..];
        let cells: Vec<Cell> = row.split("<table:table-cell").skip(1).flat_map(cell).collect();
        if cells.iter().any(|cell| *cell != Cell::Empty) {
            rows.push(cells);
        }
    }
    rows
}

fn cell(text: &str) -> Vec<Cell> {
    let (attributes, content) = text.split_once('>').unwrap();
    let attribute = |name: &str| between(attributes, &format!("{name}=\""), "\"").map(str::to_owned);
    let times = attribute("table:number-columns-repeated").map_or(1, |times| times.parse::<usize>().unwrap());
    let shown = between(content, "<text:p>", "</text:p>").unwrap_or_default();
    let shown =
        ["&quot;\"", "&apos;'", "&lt;<", "&gt;>", "&amp;&"].iter().fold(shown.to_owned(), |text, pair| {
            let (written, meant) = pair.split_at(pair.len() - 1);
            text.replace(written, meant)
        });
    let cell = match (attribute("table:formula"), attribute("office:value-type").as_deref()) {
        (Some(formula), _) => Cell::Formula(formula),
        (None, Some("float")) => Cell::Number(attribute("office:value").unwrap()),
        (None, Some("string")) => Cell::Text(shown),
        (None, None) => Cell::Empty,
        (None, Some(other)) => panic!("a cell of the type {other}: {text}"),
    };
    vec![cell; times.min(100)]
}

fn between<'t>(text: &'t str, from: &str, to: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(from)?;
    Some(rest.split_once(to)?.0)
}
