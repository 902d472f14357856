//! Random XML documents with everything in them that a canonical form has to deal with, the same from the same seed.

/// A small generator of numbers (splitmix64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len())]
    }
}

const PREFIXES: &[&str] = &["", "a", "b", "ab", "abcdefgh", "abcdefgi", "é"];
const NAMESPACES: &[&str] = &["urn:x:1", "urn:x:2", "http://x.example/ns#", "urn:x:1:2", "urn:a'b"];
const LOCALS: &[&str] = &["e", "f", "item", "Ünï", "x-y.z_1"];
const VALUES: &[&str] = &[
    "v",
    " ",
    "  ",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "&#9;",
    "&#xA;",
    "&#13;",
    "&#32;",
    "&lt;",
    "&gt;",
    "&amp;",
    "&quot;",
    "&apos;",
    "é",
    "\u{1F600}",
    "]",
    "]]",
    ">",
    "x y",
    "&#x1F600;",
    "\u{a0}",
    "\u{85}",
    "\u{2028}",
];
const TEXTS: &[&str] = &[
    "t",
    " ",
    "\n",
    "\r\n",
    "\r",
    "\r\r\n",
    "\t",
    "&#13;",
    "&#xD;&#xA;",
    "&lt;",
    "&gt;",
    "&amp;",
    "&quot;",
    "'",
    "\"",
    "é",
    "\u{1F600}",
    "]",
    "]]",
    "]]&gt;",
    "<![CDATA[<&>\"'\r\n]]>",
    "<![CDATA[]]>",
    "<![CDATA[]]]]><![CDATA[>]]>",
    "&#8364;",
];

/// The attributes and namespace declarations of a start tag, and which namespaces are then in scope.
fn tag(
    random: &mut Random,
    scope: &[(&'static str, &'static str)],
    out: &mut String,
) -> (String, Vec<(&'static str, &'static str)>) {
    let mut inner = scope.to_vec();
    let mut parts: Vec<String> = Vec::new();
    let mut declared: Vec<&str> = Vec::new();
    for _ in 0..random.below(4) {
        let prefix = random.pick(PREFIXES);
        if declared.contains(&prefix) {
            continue;
        }
        declared.push(prefix);
        let uri = if prefix.is_empty() && random.one_in(3) { "" } else { random.pick(NAMESPACES) };
        inner.retain(|(other, _)| *other != prefix);
        inner.push((prefix, uri));
        parts.push(if prefix.is_empty() { format!("xmlns=\"{uri}\"") } else { format!("xmlns:{prefix}=\"{uri}\"") });
    }
    let qualify = |random: &mut Random, allow_default: bool| {
        let usable: Vec<&(&str, &str)> = inner.iter().filter(|(prefix, _)| !prefix.is_empty()).collect();
        match usable.is_empty() || (allow_default && random.one_in(2)) || random.one_in(3) {
            true => (String::new(), ""),
            false => {
                let (prefix, uri) = usable[random.below(usable.len())];
                (format!("{prefix}:"), *uri)
            }
        }
    };
    let (prefix, _) = qualify(random, true);
    let name = format!("{prefix}{}", random.pick(LOCALS));
    let mut taken: Vec<(&str, &str)> = Vec::new();
    for _ in 0..random.below(4) {
        let (prefix, uri) = qualify(random, false);
        let local = random.pick(LOCALS);
        if taken.contains(&(uri, local)) {
            continue;
        }
        taken.push((uri, local));
        let quote = random.pick(&["\"", "'"]);
        let value: String = (0..random.below(4)).map(|_| random.pick(VALUES)).collect();
        let equals = random.pick(&["=", " = ", "=\n", "\t=\r\n"]);
        parts.push(format!("{prefix}{local}{equals}{quote}{value}{quote}"));
    }
    for (name, values) in [
        ("xml:lang", ["en", "de"]),
        ("xml:space", ["preserve", "default"]),
        ("xml:base", ["urn:b", "http://b.example/"]),
    ] {
        if random.one_in(12) {
            parts.push(format!("{name}=\"{}\"", random.pick(&values)));
        }
    }
    for index in (1..parts.len()).rev() {
        parts.swap(index, random.below(index + 1));
    }
    out.push('<');
    out.push_str(&name);
    for part in parts {
        out.push_str(random.pick(&[" ", "  ", "\n", "\r\n\t"]));
        out.push_str(&part);
    }
    out.push_str(random.pick(&["", "", " ", "\n"]));
    (name, inner)
}

fn element(random: &mut Random, scope: &[(&'static str, &'static str)], depth: usize, out: &mut String) {
    let (name, inner) = tag(random, scope, out);
    if random.one_in(4) {
        out.push_str("/>");
        return;
    }
    out.push('>');
    content(random, &inner, depth, out);
    out.push_str(&format!("</{name}{}>", random.pick(&["", " ", "\r\n"])));
}

fn content(random: &mut Random, scope: &[(&'static str, &'static str)], depth: usize, out: &mut String) {
    for _ in 0..random.below(5) {
        if depth > 0 && random.one_in(2) {
            element(random, scope, depth - 1, out);
        } else {
            (0..random.below(4)).for_each(|_| out.push_str(random.pick(TEXTS)));
        }
    }
}

/// A document whose root is called `root` and has `attributes`. `first` and `last` stand in it before and after
/// everything else.
pub(crate) fn document(seed: u64, root: &str, attributes: &str, first: &str, last: &str) -> String {
    let mut random = Random::new(seed);
    let mut out = String::new();
    out.push_str(random.pick(&[
        "",
        "<?xml version=\"1.0\"?>",
        "<?xml version='1.0' encoding='UTF-8' standalone='no'?>\r\n",
    ]));
    let mut tags = String::new();
    let (name, inner) = tag(&mut random, &[], &mut tags);
    // The name is the caller's, in the default namespace; what it declares and has stays.
    out.push_str(&tags.replacen(&name, &format!("{root}{attributes}"), 1));
    out.push('>');
    out.push_str(first);
    content(&mut random, &inner, 5, &mut out);
    out.push_str(last);
    out.push_str(&format!("</{root}>\n"));
    out
}
