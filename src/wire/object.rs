//! JSON objects, and no arrays: a struct by itself would be read from an array of its fields, too.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};

/// What is written as an object.
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object<T>, D::Error> {
        deserializer.deserialize_map(OfObject(PhantomData)).map(Object)
    }
}

struct OfObject<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OfObject<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<T, M::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

/// A field that is an object, or is not there.
pub(super) fn optional<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(Option::<Object<T>>::deserialize(deserializer)?.map(|Object(read)| read))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Eq, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Point {
        x: u8,
        #[serde(deserialize_with = "optional")]
        next: Option<Box<Point>>,
    }

    #[test]
    fn an_object_is_read_and_an_array_of_its_fields_is_not() {
        let read = |text: &str| serde_json::from_str::<Object<Point>>(text).map(|Object(point)| point);
        let next = Some(Box::new(Point { x: 2, next: None }));
        assert_eq!(read(r#"{"x":1,"next":{"x":2}}"#).unwrap(), Point { x: 1, next });
        assert_eq!(read(r#"{"next":null}"#).unwrap(), Point::default());
        assert!(serde_json::from_str::<Point>("[1,null]").is_ok(), "what is to be kept out");
        for text in ["[1,null]", "[]", "null", "1", r#"{"next":[2,null]}"#] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("expected a JSON object"), "{text}: {error}");
        }
        assert!(read(r#"{"y":1}"#).unwrap_err().to_string().contains("unknown field `y`"));
    }
}
