//! What the older interfaces answer with.

use rxml::Event;

/// An element of an answer in XML: its name without the namespace, its text, and what is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// The name.
    pub name: String,
    /// Its own text.
    pub text: String,
    /// The elements in it.
    pub children: Vec<Node>,
}

/// Deeper than any answer of AWS.
const DEEPEST: usize = 32;

impl Node {
    /// Reads a whole document.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut open = vec![Self::default()];
        for event in rxml::Reader::new(bytes) {
            match event.map_err(|error| error.to_string())? {
                Event::StartElement(_, (_, name), _) if open.len() <= DEEPEST => {
                    open.push(Self { name: name.to_string(), ..Self::default() });
                }
                Event::StartElement(..) => return Err(format!("elements within each other more than {DEEPEST} times")),
                Event::Text(_, text) => {
                    if let Some(last) = open.last_mut() {
                        last.text.push_str(&text);
                    }
                }
                Event::EndElement(_) => {
                    let ended = open.pop();
                    if let (Some(ended), Some(parent)) = (ended, open.last_mut()) {
                        parent.children.push(ended);
                    }
                }
                Event::XmlDeclaration(..) => {}
            }
        }
        let document = open.pop().filter(|_| open.is_empty());
        document.and_then(|document| document.children.into_iter().next()).ok_or_else(|| "no whole document".to_owned())
    }

    /// The elements of this name in it, however deep; not those within one another.
    pub fn all<'n>(&'n self, name: &str) -> Vec<&'n Self> {
        let inner = |child: &'n Self| if child.name == name { vec![child] } else { child.all(name) };
        self.children.iter().flat_map(inner).collect()
    }

    /// The text of the first element of this name in it, however deep.
    pub fn text(&self, name: &str) -> Option<String> {
        self.all(name).first().map(|node| node.text.trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_however_deep_and_errors_told() {
        let document = b"<?xml version='1.0'?><R xmlns='urn:x'><A><B>1</B></A><A><B> 2 &amp; 3 </B></A></R>";
        let root = Node::parse(document).unwrap();
        assert_eq!(root.name, "R");
        assert_eq!(root.all("A").len(), 2);
        assert_eq!(root.all("A")[1].text("B").as_deref(), Some("2 & 3"));
        assert_eq!(root.text("C"), None);
        for broken in [&b"<R><A></R>"[..], b"<R>", b"", b"{\"no\": 1}", b"<!DOCTYPE x><R/>"] {
            assert!(Node::parse(broken).is_err(), "{broken:?}");
        }
        let deep = "<a>".repeat(DEEPEST + 1) + &"</a>".repeat(DEEPEST + 1);
        assert!(Node::parse(deep.as_bytes()).unwrap_err().contains("within each other"));
    }
}
