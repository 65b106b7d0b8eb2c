//! Makes foreign text harmless: names, titles and values come from files, and a terminal obeys
//! what it is sent.

use std::fmt::Write;

/// For one line: every character that could steer a terminal or deceive a reader is spelled out.
pub(crate) fn line(text: &str) -> String {
    spell_out(text, |_| false)
}

/// For several lines: the same, but line feeds and tabs stay.
pub(crate) fn text(text: &str) -> String {
    spell_out(text, |c| c == '\n' || c == '\t')
}

/// For JSON that is already serialised: the same characters as `\u` escapes. They occur inside
/// strings only, so replacing them anywhere is right.
pub(crate) fn json(serialised: &str) -> String {
    let mut out = String::with_capacity(serialised.len());
    for c in serialised.chars() {
        if c != '\n' && is_unsafe(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// A word for a shell: quoted if it needs to be.
pub(crate) fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-@+=:,%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", line(word).replace('\'', r"'\''"))
    }
}

fn spell_out(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            _ if keep(c) => out.push(c),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if is_unsafe(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out
}

/// Controls (C0, DEL, C1), marks that turn the direction of writing, and characters without width.
const fn is_unsafe(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}'
        | '\u{7f}'..='\u{9f}'
        | '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_cannot_write_to_the_clipboard_or_the_window() {
        let osc52 = "x\u{1b}]52;c;ZXZpbA==\u{7}y";
        let title = "\u{9d}0;owned\u{9c}";

        assert_eq!(line(osc52), "x\\u{1b}]52;c;ZXZpbA==\\u{7}y");
        assert_eq!(line(title), "\\u{9d}0;owned\\u{9c}");
        assert_eq!(line("a\r\nb\tc"), "a\\r\\nb\\tc");
    }

    #[test]
    fn a_name_cannot_hide_or_turn_around() {
        assert_eq!(
            line("a\u{202e}b\u{200b}c\u{feff}"),
            "a\\u{202e}b\\u{200b}c\\u{feff}"
        );
        assert_eq!(line("Größe, 値, ◆"), "Größe, 値, ◆");
    }

    #[test]
    fn several_lines_stay_several_lines() {
        assert_eq!(text("a\n\tb\u{1b}[2J"), "a\n\tb\\u{1b}[2J");
    }

    #[test]
    fn escaped_json_is_the_same_json() {
        let value = "a\u{1b}\u{7f}\u{9d}\u{202e}\u{e0041}b";

        let serialised = json(&serde_json::to_string(value).unwrap());

        assert!(serialised.is_ascii(), "{serialised}");
        assert_eq!(serde_json::from_str::<String>(&serialised).unwrap(), value);
    }

    #[test]
    fn a_shell_word_is_quoted_only_if_it_must_be() {
        assert_eq!(shell("scenarios/a.toml@0x7"), "scenarios/a.toml@0x7");
        assert_eq!(
            shell("my runs/it's.toml@0x7"),
            r"'my runs/it'\''s.toml@0x7'"
        );
    }
}
