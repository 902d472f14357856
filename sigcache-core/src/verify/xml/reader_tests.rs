use super::*;
use crate::reason::Reason;

/// Writes down what it is told.
#[derive(Default)]
struct Log(String);

impl Handler for Log {
    fn start(&mut self, tag: &mut Tag, name: &str, depth: usize, scope: &Scope) -> Result<(), VerifyError> {
        self.0 += &format!("{depth}<{name} {}", scope.uri(tag.namespace));
        for attribute in &tag.attributes {
            self.0 += &format!(" {}{}={:?}", scope.uri(attribute.namespace), attribute.local, attribute.value);
        }
        self.0 += ">";
        Ok(())
    }
    fn text(&mut self, text: &str, _: usize) -> Result<(), VerifyError> {
        self.0 += text;
        Ok(())
    }
    fn end(&mut self, name: &str, depth: usize, _: &Scope) -> Result<(), VerifyError> {
        self.0 += &format!("{depth}</{name}>");
        Ok(())
    }
}

fn read(document: &[u8], chunk: usize) -> Result<String, Box<str>> {
    let (mut reader, mut log) = (Reader::new(), Log::default());
    let mut run = || {
        document.chunks(chunk).try_for_each(|chunk| reader.update(chunk, &mut log))?;
        reader.finish()
    };
    match run() {
        Ok(()) => Ok(log.0),
        Err(error) => {
            assert_eq!(error.failure().reason, Reason::MalformedDocument);
            Err(error.into_failure().found)
        }
    }
}

#[test]
fn tells_tags_text_and_ends_with_their_namespaces() {
    let document = "<?xml version='1.0'?>\n<a:r xmlns:a='u:1' xmlns='u:2' b='2' a:b=\"1\"><x>t&amp;<![CDATA[<]]></x ><y xmlns=''/></a:r>\n";
    let expected = r#"1<a:r u:1 b="2" u:1b="1">2<x u:2>t&<2</x>2<y >2</y>1</a:r>"#;
    for chunk in [1, 2, 5, 1000] {
        assert_eq!(read(document.as_bytes(), chunk).as_deref(), Ok(expected));
    }
}

#[test]
fn every_end_of_line_is_one_line_feed() {
    // rxml alone loses the carriage return before the quote, and refuses one before a letter.
    for (written, meant) in [
        ("<r a='x\r'>\r</r>", r#"1<r  a="x ">"#.to_owned() + "\n1</r>"),
        ("<r a='\ry'>\r\n</r>", r#"1<r  a=" y">"#.to_owned() + "\n1</r>"),
        ("<r a='\r\n\r'>\r\r\n\n</r>", r#"1<r  a="  ">"#.to_owned() + "\n\n\n1</r>"),
        ("<r a='&#13;\r&#10;'><![CDATA[\r]]>\r]</r>", r#"1<r  a="\r \n">"#.to_owned() + "\n\n]1</r>"),
        ("<r\ra='1'\r\n/>\r", r#"1<r  a="1">1</r>"#.to_owned()),
    ] {
        for chunk in [1, 2, 3, 1000] {
            assert_eq!(read(written.as_bytes(), chunk), Ok(meant.clone()), "{written:?} by {chunk}");
        }
    }
}

#[test]
fn what_is_no_sound_document_is_refused() {
    let deep = format!("{}{}", "<r>".repeat(201), "</r>".repeat(201));
    let many = format!("<r {}/>", (0..257).map(|n| format!("a{n}='' ")).collect::<String>());
    let long_name = format!("<r{}/>", "x".repeat(1024));
    let long_attribute_name = format!("<r {}=''/>", "x".repeat(1025));
    let huge_name = format!("<{}/>", "x".repeat(70_000));
    let long_value = format!("<r a='{}'/>", "x".repeat(64 * 1024 + 1));
    let long_tag = format!("<r {}/>", (0..5).map(|n| format!("a{n}='{}' ", "x".repeat(60_000))).collect::<String>());
    let blank_tag = format!("<r {}a='1' b=''/>", " ".repeat(256 * 1024));
    let bindings = format!(
        "<r>{}",
        (0..3)
            .map(|n| { format!("<s {}>", (0..200).map(|m| format!("xmlns:p{n}.{m}='u:' ")).collect::<String>()) })
            .collect::<String>()
    );
    let binding_bytes = format!("<r xmlns:a='u:{}' xmlns:b='u:{0}'/>", "x".repeat(40_000));
    let table: &[(&str, &str)] = &[
        ("", "the end of the bytes"),
        ("  \n", "the end of the bytes"),
        ("<r>", "the end of the bytes"),
        ("<r", "the end of the bytes"),
        ("<r></r", "the end of the bytes"),
        ("{}", "a text that does not begin with <"),
        ("<r/><s/>", "something after the end"),
        ("<r/>x", "something after the end"),
        ("<r/>\u{c}", "something after the end"),
        ("<r/>&#32;", "something after the end"),
        ("<r/><![CDATA[ ]]>", "something after the end"),
        ("<r/><!-- -->", "something after the end"),
        ("<r/><?a?>", "something after the end"),
        ("<r/>\0", "something after the end"),
        ("<r><!-- c --></r>", "a comment"),
        ("<!-- c --><r/>", "a comment"),
        ("<r><?a b?></r>", "a processing instruction"),
        ("<r><?xml version='1.0'?></r>", "a processing instruction"),
        ("<?a b?><r/>", "a malformed XML declaration, or a processing instruction"),
        ("<!DOCTYPE r><r/>", "a document type declaration"),
        ("<!DOCTYPE r [<!ENTITY a 'b'>]><r>&a;</r>", "a document type declaration"),
        ("<r><!ELEMENT r ANY></r>", "a document type declaration"),
        ("<r>&nbsp;</r>", "an entity that XML itself does not have"),
        ("<r a='&a;'/>", "an entity that XML itself does not have"),
        ("<r>&#0;</r>", "character reference"),
        ("<r>&#xFFFE;</r>", "character reference"),
        ("<r>\u{1}</r>", "invalid codepoint"),
        ("<r>\u{ffff}</r>", ""),
        ("<r>]]></r>", "invalid syntax"),
        ("<r a='<'/>", ""),
        ("<r a=b/>", ""),
        ("<r a='1'b='2'/>", "invalid syntax"),
        ("<r></s>", "start and end tag do not match"),
        ("<r></r a='1'>", ""),
        ("<r a='1' a='2'/>", "an attribute that stands twice"),
        ("<r xmlns:a='u:1' xmlns:b='u:1' a:x='1' b:x='2'/>", "an attribute that stands twice"),
        ("<r b='' a='' c='' b=''/>", "an attribute that stands twice"),
        ("<r xmlns:a='u:1' xmlns:a='u:2'/>", "a namespace prefix that is declared twice in one tag"),
        ("<r xmlns='u:1' xmlns='u:1'/>", "a namespace prefix that is declared twice in one tag"),
        ("<a:r/>", "the namespace prefix \"a\", which is not declared"),
        ("<r a:b=''/>", "the namespace prefix \"a\", which is not declared"),
        ("<r><a:s xmlns:a='u:1'/><a:t/></r>", "the namespace prefix \"a\", which is not declared"),
        ("<r xmlns:a=''/>", "namespace URI is empty"),
        ("<r xmlns:xml='u:1'/>", "reserved namespace prefix"),
        ("<r xmlns:xmlns='u:1'/>", "reserved namespace prefix"),
        ("<xmlns:r/>", "the namespace prefix \"xmlns\", which is not declared"),
        ("<r xmlns:a='http://www.w3.org/XML/1998/namespace'/>", "reserved namespace URI"),
        ("<r xmlns='http://www.w3.org/2000/xmlns/'/>", "a reserved namespace that is declared"),
        ("<r xmlns='relative'/>", "the namespace name \"relative\", which is no absolute URI"),
        ("<r xmlns='u:a&amp;b'/>", "the namespace name \"u:a&b\", which is no absolute URI"),
        ("<r xmlns='u:a b'/>", "the namespace name \"u:a b\", which is no absolute URI"),
        ("<r xmlns='1:a'/>", "the namespace name \"1:a\", which is no absolute URI"),
        ("<r xmlns='u:é'/>", "the namespace name \"u:é\", which is no absolute URI"),
        ("<r xmlns='u:#a#'/>", "the namespace name \"u:#a#\", which is no absolute URI"),
        ("<a:b:c xmlns:a='u:1'/>", "more than one colon"),
        ("<:a/>", "empty string on one side of the colon"),
        ("<1a/>", ""),
        (&deep, "more than 200 levels"),
        (&many, "more than 256 attributes"),
        (&long_name, "a name of more than 1024 bytes"),
        (&long_attribute_name, "a name of more than 1024 bytes"),
        (&huge_name, "a name or value of more than 65536 bytes"),
        (&long_value, "a name or value of more than 65536 bytes"),
        (&long_tag, "more than 256 attributes or 262144 bytes in one tag"),
        (&blank_tag, "more than 256 attributes or 262144 bytes in one tag"),
        (&bindings, "more namespaces in scope"),
        (&binding_bytes, "more namespaces in scope"),
    ];
    for (document, found) in table {
        for chunk in [1, 7, 100_000].into_iter().filter(|chunk| *chunk > 1 || document.len() < 1000) {
            let answer = read(document.as_bytes(), chunk).unwrap_err();
            let shown: String = document.chars().take(60).collect();
            assert!(answer.starts_with(found), "{shown:?} by {chunk}: {answer}");
        }
    }
    for bytes in [&b"<r>\xff</r>"[..], b"<r a='\xc3('/>", b"<r>\xed\xa0\x80</r>", b"<r>\xc0\xaf</r>"] {
        for chunk in [1, 1000] {
            assert_eq!(read(bytes, chunk).unwrap_err(), "bytes that are not UTF-8".into());
        }
    }
}

#[test]
fn what_lies_at_the_limits_passes() {
    let deep = format!("{}{}", "<r>".repeat(200), "</r>".repeat(200));
    let many = format!("<r {}/>", (0..256).map(|n| format!("a{n}='' ")).collect::<String>());
    let name = format!("<{}/>", "x".repeat(1024));
    let value = format!("<r a='{}'/>", "x".repeat(64 * 1024 - 1));
    let text = format!("<r>{}</r>", "é".repeat(200_000));
    for document in [deep, many, name, value, text] {
        for chunk in [1000, 100_001] {
            assert!(read(document.as_bytes(), chunk).is_ok(), "{}", &document[..40]);
        }
    }
    let names = "<r xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:lang='en' xmlns='urn:x:y/z?q#f'/>";
    assert!(read(names.as_bytes(), 1000).is_ok());
}
