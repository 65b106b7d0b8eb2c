//! A value of a scenario file with its place, right or wrong: reading never stops at the first flaw.
//!
//! Serde stops where a type does not fit. A [`Field`] therefore takes whatever stands there and
//! keeps what is wrong with it, so that all flaws of a file are found in one pass.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, IgnoredAny, MapAccess, SeqAccess};
use serde::de::{Error as _, Visitor};
use serde_spanned::Spanned;

/// What is wrong with one value, without its place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Flaw {
    /// The error's code.
    pub(super) code: &'static str,
    /// What is wrong, with the value in it.
    pub(super) message: String,
    /// A few words for beneath the value.
    pub(super) label: String,
    /// What to write instead.
    pub(super) help: Option<String>,
}

impl Flaw {
    /// A flaw without a remedy yet.
    pub(super) fn new(
        code: &'static str,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Self {
        Self {
            code,
            message: message.into(),
            label: label.into(),
            help: None,
        }
    }

    /// The same with what to write instead.
    pub(super) fn help(self, help: impl Into<String>) -> Self {
        Self {
            help: Some(help.into()),
            ..self
        }
    }
}

/// What can be written for a value: each form that fits overrides its method.
pub(super) trait Shape: Sized {
    /// What fits, in words.
    const EXPECTED: &'static str;

    /// From a string.
    fn text(_: &str) -> Result<Self, Flaw> {
        Err(Self::misfit("a string"))
    }

    /// From an integer.
    fn whole(number: i128) -> Result<Self, Flaw> {
        Err(Self::misfit(&format!("the number {number}")))
    }

    /// From a float.
    fn number(number: f64) -> Result<Self, Flaw> {
        Err(Self::misfit(&format!("the number {number}")))
    }

    /// From `true` or `false`.
    fn truth(truth: bool) -> Result<Self, Flaw> {
        Err(Self::misfit(&format!("`{truth}`")))
    }

    /// From an array.
    fn array<'de, A: SeqAccess<'de>>(mut array: A) -> Result<Result<Self, Flaw>, A::Error> {
        while array.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Err(Self::misfit("an array")))
    }

    /// From a table.
    fn table<'de, A: MapAccess<'de>>(mut table: A) -> Result<Result<Self, Flaw>, A::Error> {
        while table.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Err(Self::misfit("a table")))
    }

    /// The flaw of a value of the wrong type.
    fn misfit(found: &str) -> Flaw {
        Flaw::new(
            "bivalent::scenario::wrong_type",
            format!("found {found}, expected {}", Self::EXPECTED),
            format!("expected {}", Self::EXPECTED),
        )
    }
}

/// A value with its place in the file.
#[derive(Clone, Debug)]
pub(super) struct Field<T> {
    /// Where it stands, bytes.
    pub(super) span: Range<usize>,
    /// What stands there.
    pub(super) value: Result<T, Flaw>,
}

impl<'de, T: Shape> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let found = Spanned::<Found<T>>::deserialize(deserializer)?;
        Ok(Self {
            span: found.span(),
            value: found.into_inner().0,
        })
    }
}

impl<T: JsonSchema> JsonSchema for Field<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

struct Found<T>(Result<T, Flaw>);

impl<'de, T: Shape> Deserialize<'de> for Found<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader(PhantomData)).map(Self)
    }
}

struct Reader<T>(PhantomData<T>);

impl<'de, T: Shape> Visitor<'de> for Reader<T> {
    type Value = Result<T, Flaw>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(T::text(text))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(T::whole(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(T::whole(number.into()))
    }

    fn visit_i128<E>(self, number: i128) -> Result<Self::Value, E> {
        Ok(T::whole(number))
    }

    fn visit_u128<E>(self, number: u128) -> Result<Self::Value, E> {
        Ok(T::whole(i128::try_from(number).unwrap_or(i128::MAX)))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(T::number(number))
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Self::Value, E> {
        Ok(T::truth(truth))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, array: A) -> Result<Self::Value, A::Error> {
        T::array(array)
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Self::Value, A::Error> {
        T::table(table)
    }
}

impl Shape for String {
    const EXPECTED: &'static str = "a string";

    fn text(text: &str) -> Result<Self, Flaw> {
        Ok(text.to_owned())
    }

    fn whole(number: i128) -> Result<Self, Flaw> {
        Err(Self::misfit(&format!("the number {number}")).help(format!("in quotes: \"{number}\"")))
    }
}

impl Shape for bool {
    const EXPECTED: &'static str = "true or false";

    fn truth(truth: bool) -> Result<Self, Flaw> {
        Ok(truth)
    }
}

impl Shape for i128 {
    const EXPECTED: &'static str = "a whole number";

    fn whole(number: i128) -> Result<Self, Flaw> {
        Ok(number)
    }
}

impl<T: DeserializeOwned> Shape for Vec<T> {
    const EXPECTED: &'static str = "an array";

    fn array<'de, A: SeqAccess<'de>>(array: A) -> Result<Result<Self, Flaw>, A::Error> {
        Self::deserialize(SeqAccessDeserializer::new(array)).map(Ok)
    }

    fn table<'de, A: MapAccess<'de>>(mut table: A) -> Result<Result<Self, Flaw>, A::Error> {
        while table.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        let flaw = Self::misfit("a table");
        Ok(Err(flaw.help(
            "one of several tables has two brackets, as [[fault]]",
        )))
    }
}

/// A table's entries in the order of the file, whatever its keys are.
#[derive(Clone, Debug)]
pub(super) struct Entries<T>(pub(super) Vec<(Spanned<String>, Field<T>)>);

impl<T: Shape> Entries<T> {
    /// Reads them all.
    pub(super) fn read<'de, A: MapAccess<'de>>(mut table: A) -> Result<Self, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = table.next_entry::<Spanned<String>, Field<T>>()? {
            entries.push(entry);
            if entries.len() > u16::MAX.into() {
                return Err(A::Error::custom("too many keys"));
            }
        }
        entries.sort_by_key(|(key, _)| key.span().start);
        Ok(Self(entries))
    }
}

/// Makes a struct that serde derives fit a table, and nothing else.
macro_rules! tables {
    ($($name:ident),* $(,)?) => {$(
        impl $crate::scenario::shape::Shape for $name {
            const EXPECTED: &'static str = "a table";

            fn table<'de, A: serde::de::MapAccess<'de>>(
                table: A,
            ) -> Result<Result<Self, $crate::scenario::shape::Flaw>, A::Error> {
                <Self as serde::Deserialize>::deserialize(
                    serde::de::value::MapAccessDeserializer::new(table),
                )
                .map(Ok)
            }
        }
    )*};
}

pub(super) use tables;
