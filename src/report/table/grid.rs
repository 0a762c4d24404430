//! Rows of cells in columns: as wide as their content up to a cap, the last one takes what is left, and what does not fit wraps. Nothing is cut away but
//! the end of texts that no person would read.

use std::borrow::Cow;

use anstyle::Style;
use textwrap::core::display_width;

use crate::report::escape::terminal;

/// Longest text of a cell, in characters: four lines of a narrow terminal.
const MAX_CELL: usize = 320;

/// Spaces in front of a row, and between two columns.
const GAP: usize = 2;

/// What no cap goes below: the longest severity.
const MIN_CAP: usize = 10;

/// Narrowest last column; below that, lines grow longer than the page.
const MIN_LAST: usize = 20;

/// A text with its colour; safe for a terminal.
pub(super) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// A cell in the terminal's own colour.
    pub(super) fn new(text: &str) -> Self {
        Self::styled(text, Style::new())
    }

    /// A cell that is shown to its end however long it is.
    pub(super) fn whole(text: &str) -> Self {
        Self { text: terminal(text), style: Style::new() }
    }

    /// A coloured cell.
    pub(super) fn styled(text: &str, style: Style) -> Self {
        Self { text: shorten(&terminal(text), MAX_CELL), style }
    }
}

/// At most `limit` characters of `text`.
pub(super) fn shorten(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some(_) => text.chars().take(limit.saturating_sub(1)).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

/// The lines of `rows` on a page of `width` columns. `caps` are the widest that each column but the last may become, in percent of the page.
pub(super) fn lines(rows: &[Vec<Cell>], caps: &[usize], width: usize, color: bool) -> Vec<String> {
    let widths = widths(rows, caps, width);
    rows.iter().flat_map(|row| row_lines(row, &widths, color)).collect()
}

fn widths(rows: &[Vec<Cell>], caps: &[usize], width: usize) -> Vec<usize> {
    let natural = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| display_width(&cell.text)).max().unwrap_or(0)
    };
    let mut widths: Vec<usize> = caps
        .iter()
        .enumerate()
        .map(|(column, percent)| natural(column).min((width * percent / 100).max(MIN_CAP)))
        .collect();
    let taken: usize = widths.iter().map(|width| width + GAP).sum::<usize>() + GAP;
    widths.push(width.saturating_sub(taken).max(MIN_LAST));
    widths
}

fn row_lines(row: &[Cell], widths: &[usize], color: bool) -> Vec<String> {
    let wrapped: Vec<Vec<String>> = row.iter().zip(widths).map(|(cell, width)| wrap(&cell.text, *width)).collect();
    let height = wrapped.iter().map(Vec::len).max().unwrap_or(0);
    let line = |number: usize| {
        let mut line = String::new();
        let mut pending = GAP;
        for ((cell, lines), width) in row.iter().zip(&wrapped).zip(widths) {
            let text = lines.get(number).map_or("", String::as_str);
            if !text.is_empty() {
                line.extend(std::iter::repeat_n(' ', pending));
                pending = 0;
                if color && cell.style != Style::new() {
                    let style = cell.style;
                    line.push_str(&format!("{style}{text}{style:#}"));
                } else {
                    line.push_str(text);
                }
            }
            pending += width.saturating_sub(display_width(text)) + GAP;
        }
        line
    };
    (0..height).map(line).collect()
}

/// Words to lines. Only a word that is longer than a line is broken: an id must stay whole.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let options = textwrap::Options::new(width).word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::wrap(text, options).into_iter().map(Cow::into_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(texts: &[&str]) -> Vec<Cell> {
        texts.iter().map(|text| Cell::new(text)).collect()
    }

    #[test]
    fn columns_are_aligned_and_long_texts_wrap() {
        let rows = [cells(&["high", "a", "one two three four five"]), cells(&["critical", "日本", "x\x1by"])];
        assert_eq!(
            lines(&rows, &[30, 30], 36, false),
            ["  high      a     one two three four", "                  five", "  critical  日本  x\\u{1b}y"]
        );
    }

    #[test]
    fn a_long_word_is_broken_and_no_text_is_endless() {
        let rows = [cells(&["github.com/example/very-long-module-name", "1"])];
        let shown = lines(&rows, &[40], 40, false);
        assert!(shown.iter().all(|line| display_width(line) <= 40), "{shown:?}");
        assert_eq!(shown.concat().replace([' ', '1'], ""), "github.com/example/very-long-module-name");
        assert_eq!(shorten("äöü", 3), "äöü");
        assert_eq!(shorten("äöüß", 3), "äö…");
    }
}
