//! Results for other programs: the objects of the contract, nothing else.

use serde::Serialize;

use super::escape;

/// How a sequence of objects is laid out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Shape {
    /// One object a line.
    Lines,
    /// One array.
    Array,
}

/// A sequence of objects on its way out.
#[derive(Debug)]
pub(crate) struct Sequence {
    shape: Shape,
    begun: bool,
}

impl Sequence {
    /// Nothing yet.
    pub(crate) const fn new(shape: Shape) -> Self {
        Self {
            shape,
            begun: false,
        }
    }

    /// The text that adds one object.
    pub(crate) fn add(&mut self, object: &impl Serialize) -> String {
        let object = escape::json(&serde_json::to_string(object).expect("plain data serialises"));
        let before = match self.shape {
            Shape::Lines => "",
            Shape::Array if self.begun => ",\n",
            Shape::Array => "[\n",
        };
        self.begun = true;
        match self.shape {
            Shape::Lines => format!("{object}\n"),
            Shape::Array => format!("{before}{object}"),
        }
    }

    /// The text that ends the sequence.
    pub(crate) const fn end(&self) -> &'static str {
        match (self.shape, self.begun) {
            (Shape::Lines, _) => "",
            (Shape::Array, true) => "\n]\n",
            (Shape::Array, false) => "[]\n",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_one_even_when_empty() {
        let mut some = Sequence::new(Shape::Array);
        let text = some.add(&1) + &some.add(&2) + some.end();

        assert_eq!(text, "[\n1,\n2\n]\n");
        assert_eq!(Sequence::new(Shape::Array).end(), "[]\n");
    }

    #[test]
    fn lines_are_lines() {
        let mut some = Sequence::new(Shape::Lines);

        assert_eq!(some.add(&"a") + &some.add(&2) + some.end(), "\"a\"\n2\n");
    }
}
