//! The letter as HTML. Every style stands with its element, since many readers of mail drop all others; what only printing needs stands
//! above, for those that keep it.

use std::fmt::Write;

use super::Told;
use crate::query::Sheet;

const PAGE: &str = "margin:0;padding:24px;background:#ffffff;color:#1f2328;\
                    font:14px/1.5 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";
const TABLE: &str = "border-collapse:collapse;width:100%;margin:0 0 24px;font-variant-numeric:tabular-nums";
const HEAD: &str = "padding:6px 10px;border-bottom:2px solid #1f2328;font-weight:600;vertical-align:bottom";
const CELL: &str = "padding:6px 10px;border-bottom:1px solid #d0d7de;vertical-align:top";
const TOTAL: &str = "padding:6px 10px;border-top:2px solid #1f2328;font-weight:600";
const SMALL: &str = "color:#57606a;font-size:12px;margin:0 0 8px";

/// Pages of paper: the head of a table comes again on each, and no row is torn.
const PRINT: &str = "@page{margin:16mm}@media print{body{padding:0!important}thead{display:table-header-group}\
                     tr{break-inside:avoid;page-break-inside:avoid}.screen{display:none}}";

/// The letter.
pub(super) fn write(subject: &str, told: &Told, leave: Option<&str>) -> String {
    let mut page = String::with_capacity(8 << 10);
    push(
        &mut page,
        format_args!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{}</title><style>{PRINT}</style></head><body style=\"{PAGE}\">",
            Text(subject)
        ),
    );
    push(
        &mut page,
        format_args!(
            "<h1 style=\"font-size:20px;margin:0 0 4px\">{}</h1><p style=\"margin:0 0 20px;color:#57606a\">{}{}</p>",
            Text(&told.org),
            Text(&told.period),
            Compared(told.compared_with.as_deref())
        ),
    );
    if !told.filters.is_empty() {
        push(&mut page, format_args!("<p style=\"{SMALL}\">Only {}</p>", Text(&told.filters.join("; "))));
    }
    table(&mut page, &told.sheet);
    let shown = told.sheet.rows.len();
    if told.groups > shown {
        push(
            &mut page,
            format_args!(
                "<p style=\"{SMALL}\">The first {shown} of {} are shown; the attached table has all of them.</p>",
                told.groups
            ),
        );
    }
    if let Some(series) = told.series.as_ref().filter(|series| !series.is_empty()) {
        table(&mut page, series);
    }
    notes(&mut page, told, leave);
    page.push_str("</body></html>\n");
    page
}

fn table(page: &mut String, sheet: &Sheet) {
    if sheet.is_empty() {
        return page.push_str("<p>Nothing was used.</p>");
    }
    push(page, format_args!("<table style=\"{TABLE}\"><thead><tr>"));
    for (place, name) in sheet.head.iter().enumerate() {
        push(
            page,
            format_args!("<th scope=\"col\" style=\"{HEAD};{}\">{}</th>", align(sheet, place), Text(name)),
        );
    }
    page.push_str("</tr></thead><tbody>");
    for row in &sheet.rows {
        page.push_str("<tr>");
        for (place, cell) in row.iter().enumerate() {
            push(page, format_args!("<td style=\"{CELL};{}\">{}</td>", align(sheet, place), Text(cell)));
        }
        page.push_str("</tr>");
    }
    page.push_str("<tr>");
    if sheet.keys > 0 {
        push(page, format_args!("<td colspan=\"{}\" style=\"{TOTAL}\">All</td>", sheet.keys));
    }
    for cell in &sheet.totals {
        push(
            page,
            format_args!("<td style=\"{TOTAL};text-align:right;white-space:nowrap\">{}</td>", Text(cell)),
        );
    }
    page.push_str("</tr></tbody></table>");
}

fn notes(page: &mut String, told: &Told, leave: Option<&str>) {
    if !told.missed.is_empty() {
        push(
            page,
            format_args!(
                "<p style=\"{SMALL}\">This report was also due on {}, and could not be sent then.</p>",
                Text(&told.missed.join("; "))
            ),
        );
    }
    push(
        page,
        format_args!(
            "<p style=\"{SMALL}\">As of {}. Times are those of {}. What arrives later counts at its own time.</p>",
            Text(&told.as_of),
            Text(&told.zone)
        ),
    );
    if let Some(leave) = leave {
        push(
            page,
            format_args!(
                "<p class=\"screen\" style=\"{SMALL}\"><a href=\"{}\" style=\"color:#57606a\">Do not send me this report any more</a></p>",
                Text(leave)
            ),
        );
    }
}

fn align(sheet: &Sheet, place: usize) -> &'static str {
    if place < sheet.keys { "text-align:left" } else { "text-align:right;white-space:nowrap" }
}

fn push(page: &mut String, what: std::fmt::Arguments<'_>) {
    // A text takes all that is written.
    let _written = page.write_fmt(what);
}

/// A text within HTML.
struct Text<'a>(&'a str);

impl std::fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

struct Compared<'a>(Option<&'a str>);

impl std::fmt::Display for Compared<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |with| write!(f, ", beside {}", Text(with)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told() -> Told {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        Told {
            org: "Ana & Söhne".to_owned(),
            period: "January 2026".to_owned(),
            compared_with: Some("December 2025".to_owned()),
            filters: Vec::new(),
            sheet: Sheet {
                head: texts(&["User", "Credits"]),
                keys: 1,
                rows: vec![texts(&["<script>alert(1)</script>", "12.5"])],
                totals: texts(&["12.5"]),
            },
            groups: 7,
            series: None,
            zone: "UTC".to_owned(),
            as_of: "1 February 2026, 08:00".to_owned(),
            missed: Vec::new(),
        }
    }

    #[test]
    fn what_others_said_is_text_and_nothing_from_elsewhere_is_loaded() {
        let page = write("a \"b\" <c>", &told(), Some("https://meter.example.com/v1/unsubscribe/x"));
        assert!(
            page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !page.contains("<script"),
            "{page}"
        );
        assert!(
            page.contains("<title>a &quot;b&quot; &lt;c&gt;</title>") && page.contains("Ana &amp; Söhne")
        );
        assert!(page.contains("The first 1 of 7 are shown"), "{page}");
        for loaded in ["<img", "<link", "url(", "src=", "@import"] {
            assert!(!page.contains(loaded), "{loaded}");
        }
        assert_eq!(page.matches("https://").count(), 1, "only the link to leave by");
    }
}
