//! What is wrong with a configuration, and where: file, line, column, what was expected, the nearest valid word.

use std::{collections::HashSet, fmt, io, ops::Range, sync::Arc};

/// More problems than this are only counted.
const SHOWN: usize = 20;

/// Of a longer line only the beginning is shown.
const LINE_CHARS: usize = 120;

/// Of more valid words only the first are shown.
const WORDS: usize = 40;

/// The configuration cannot be used. Lists everything that was found, in the order of the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub struct ConfigError {
    problems: Vec<Problem>,
    more: usize,
    #[source]
    cause: Option<io::Error>,
}

/// One thing that is wrong with a configuration. Never shows a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The file, as it was named by the caller or in the configuration.
    pub file: Arc<str>,
    /// Line and column (in characters), both from 1; `None` where it is about the whole file.
    pub position: Option<(usize, usize)>,
    /// What is wrong, in one line.
    pub message: String,
    /// What was expected instead, in one line.
    pub expected: Option<String>,
    /// The valid word that is nearest to what was found.
    pub nearest: Option<String>,
    /// What it is about.
    pub about: About,
    excerpt: Option<(String, String)>,
}

/// What a problem is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum About {
    /// What the configuration says.
    Configuration,
    /// A key that it names rightly: the file cannot be read, or what is in it is no key that can be used.
    Key,
}

impl ConfigError {
    pub(super) fn file(file: &str, message: impl Into<String>, cause: Option<io::Error>) -> Self {
        let message = message.into();
        let problem = Problem {
            file: file.into(),
            position: None,
            message,
            expected: None,
            nearest: None,
            about: About::Configuration,
            excerpt: None,
        };
        Self { problems: vec![problem], more: 0, cause }
    }

    /// The problems, in the order of the file; at most twenty.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let line = if index == 0 { "" } else { "\n" };
            write!(f, "{line}{problem}")?;
        }
        if self.more > 0 { write!(f, "\nand {} more", self.more) } else { Ok(()) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some((line, column)) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)?;
        if let (Some((line, _)), Some((source, carets))) = (self.position, &self.excerpt) {
            let (number, blank) = (line.to_string(), " ".repeat(line.to_string().len()));
            write!(f, "\n  {number} | {source}\n  {blank} | {carets}")?;
        }
        if let Some(expected) = &self.expected {
            write!(f, "\n  expected {expected}")?;
        }
        match &self.nearest {
            Some(nearest) => write!(f, "\n  did you mean `{nearest}`?"),
            None => Ok(()),
        }
    }
}

/// A place in one of the files that were read.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// 0 is the configuration itself, others are lists of names.
    pub(super) source: usize,
    /// Bytes.
    pub(super) span: Range<usize>,
}

/// Collects problems while a configuration is read.
pub(super) struct Problems {
    sources: Vec<(Arc<str>, Arc<str>)>,
    secrets: Vec<Range<usize>>,
    drafts: Vec<Draft>,
}

/// A problem whose line and column are not yet known.
pub(super) struct Draft {
    place: Place,
    message: String,
    expected: Option<String>,
    nearest: Option<String>,
    about: About,
    shows_line: bool,
}

impl Draft {
    /// It is about a key itself.
    pub(super) fn about_key(&mut self) -> &mut Self {
        self.about = About::Key;
        self
    }

    /// What was expected instead.
    pub(super) fn expected(&mut self, expected: impl Into<String>) -> &mut Self {
        self.expected = Some(expected.into());
        self
    }

    /// One of `words` was expected instead of `found`.
    pub(super) fn one_of<'w>(&mut self, found: &str, words: impl IntoIterator<Item = &'w str>) -> &mut Self {
        let mut words: Vec<&str> = words.into_iter().collect();
        let mut seen = HashSet::new();
        words.retain(|word| seen.insert(*word));
        let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        self.expected = match quoted.as_slice() {
            [] => None,
            [only] => Some(only.clone()),
            _ if quoted.len() > WORDS => Some(format!("one of {} …", quoted[..WORDS].join(", "))),
            _ => Some(format!("one of {}", quoted.join(", "))),
        };
        self.nearest = nearest(found, &words).map(str::to_owned);
        self
    }

    /// Without the line, where it may hold a secret that cannot be told apart.
    pub(super) fn without_line(&mut self) -> &mut Self {
        self.shows_line = false;
        self
    }
}

/// The word that someone who wrote `found` most likely meant; none if nothing is near.
pub fn nearest<'w>(found: &str, words: &[&'w str]) -> Option<&'w str> {
    let found = found.to_ascii_lowercase();
    let within = |word: &str| found.chars().count().max(word.len()).div_ceil(3);
    let near = words.iter().filter_map(|word| {
        let distance = strsim::damerau_levenshtein(&found, &word.to_ascii_lowercase());
        (distance <= within(word) && distance < word.len()).then_some((distance, *word))
    });
    near.min_by_key(|(distance, _)| *distance).map(|(_, word)| word)
}

impl Problems {
    pub(super) fn new(file: &str, text: &str) -> Self {
        Self { sources: vec![(file.into(), text.into())], secrets: Vec::new(), drafts: Vec::new() }
    }

    /// Whether nothing wrong was found so far.
    pub(super) fn is_empty(&self) -> bool {
        self.drafts.is_empty()
    }

    /// How many there are so far.
    pub(super) fn len(&self) -> usize {
        self.drafts.len()
    }

    /// All after the first `before` are about keys themselves.
    pub(super) fn are_about_keys(&mut self, before: usize) {
        self.drafts.iter_mut().skip(before).for_each(|draft| {
            draft.about_key();
        });
    }

    /// Another file, so that problems can point into it.
    pub(super) fn add_source(&mut self, file: &str, text: &str) -> usize {
        self.sources.push((file.into(), text.into()));
        self.sources.len() - 1
    }

    /// Never shows what stands at `span` of the configuration.
    pub(super) fn conceal(&mut self, span: Range<usize>) {
        self.secrets.push(span);
    }

    /// A problem in the configuration itself.
    pub(super) fn at(&mut self, span: Range<usize>, message: impl Into<String>) -> &mut Draft {
        self.at_place(Place { source: 0, span }, message)
    }

    /// A problem in any of the files.
    pub(super) fn at_place(&mut self, place: Place, message: impl Into<String>) -> &mut Draft {
        let message = message.into();
        let index = self.drafts.len();
        self.drafts.push(Draft {
            place,
            message,
            expected: None,
            nearest: None,
            about: About::Configuration,
            shows_line: true,
        });
        &mut self.drafts[index]
    }

    /// `file:line:column` of a place.
    pub(super) fn describe(&self, place: &Place) -> String {
        let (file, text) = &self.sources[place.source];
        let (line, column, _) = locate(text, place.span.start);
        format!("{file}:{line}:{column}")
    }

    /// An error with everything that was found; `Ok` if nothing was.
    pub(super) fn finish(mut self) -> Result<(), ConfigError> {
        if self.drafts.is_empty() {
            return Ok(());
        }
        self.drafts.sort_by_key(|draft| (draft.place.source, draft.place.span.start));
        let more = self.drafts.len().saturating_sub(SHOWN);
        self.drafts.truncate(SHOWN);
        let drafts = std::mem::take(&mut self.drafts);
        let problems = drafts.into_iter().map(|draft| self.problem(draft)).collect();
        Err(ConfigError { problems, more, cause: None })
    }

    fn problem(&self, draft: Draft) -> Problem {
        let (file, text) = &self.sources[draft.place.source];
        let (line, column, line_span) = locate(text, draft.place.span.start);
        let secrets: Vec<&Range<usize>> = self
            .secrets
            .iter()
            .filter(|secret| draft.place.source == 0 && secret.start < line_span.end && line_span.start < secret.end)
            .collect();
        let shows_line = draft.shows_line && column <= LINE_CHARS && !draft.place.span.is_empty();
        Problem {
            file: file.clone(),
            position: Some((line, column)),
            message: draft.message,
            expected: draft.expected,
            nearest: draft.nearest,
            about: draft.about,
            excerpt: shows_line.then(|| excerpt(text, line_span, &draft.place.span, &secrets)),
        }
    }
}

/// Line and column of a byte, both from 1, and the bytes of its line.
fn locate(text: &str, offset: usize) -> (usize, usize, Range<usize>) {
    let offset = (0..=offset.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let before = &text[..offset];
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let end = text[offset..].find('\n').map_or(text.len(), |at| offset + at);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    (line, before[start..].chars().count() + 1, start..end)
}

/// A line with each secret in it as one `…`, and the carets below `span`.
fn excerpt(text: &str, line: Range<usize>, span: &Range<usize>, secrets: &[&Range<usize>]) -> (String, String) {
    let (mut shown, mut carets, mut hidden) = (String::new(), String::new(), false);
    for (index, c) in text[line.clone()].trim_end().char_indices() {
        let at = line.start + index;
        let secret = secrets.iter().any(|secret| secret.contains(&at));
        if secret && hidden {
            continue;
        }
        hidden = secret;
        if shown.chars().count() == LINE_CHARS {
            shown.push('…');
            break;
        }
        shown.push(if secret {
            '…'
        } else if c.is_control() {
            ' '
        } else {
            c
        });
        carets.push(if span.contains(&at) { '^' } else { ' ' });
    }
    if !carets.contains('^') {
        carets.push('^');
    }
    (shown, carets.trim_end().to_owned())
}
