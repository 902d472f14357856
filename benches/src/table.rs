//! What was measured, for people and for programs.

use serde_json::{Value, json};

/// Rows in the order in which they were measured.
#[derive(Default)]
pub(crate) struct Table(Vec<Row>);

struct Row {
    case: String,
    what: String,
    note: String,
    shown: String,
    value: f64,
}

impl Table {
    /// Adds a row: `shown` is for people, `value` the same for programs.
    pub(crate) fn row(&mut self, case: &str, what: &str, note: &str, shown: String, value: f64) {
        self.0.push(Row { case: case.into(), what: what.into(), note: note.into(), shown, value });
    }

    /// As a Markdown table.
    pub(crate) fn print(&self) {
        println!("| | what | result | |\n|---|---|---:|---|");
        for row in &self.0 {
            println!("| {} | {} | {} | {} |", row.case, row.what, row.shown, row.note);
        }
    }

    /// With the machine that it holds for. What was skipped is null.
    pub(crate) fn json(&self, machine: &str) -> Value {
        let rows = self.0.iter().map(|row| {
            json!({ "case": row.case, "what": row.what, "result": row.shown, "value": row.value, "note": row.note })
        });
        json!({ "machine": machine, "rows": rows.collect::<Vec<_>>() })
    }
}
