//! Events as text, without a tree of values in between: a name, and fields that stand apart from it.

use serde::Serialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess};
use std::io;

/// What an event is made of that is `#[serde(tag = "type", content = "data")]`, its name first: whoever reads it then
/// knows which fields to look for, and keeps none of them for later.
struct Tagged<'a> {
    event_type: Option<&'a str>,
    data: Option<&'a str>,
}

impl<'de> MapAccess<'de> for Tagged<'de> {
    type Error = serde_json::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Self::Error> {
        let key = match (self.event_type, self.data) {
            (Some(_), _) => "type",
            (None, Some(_)) => "data",
            (None, None) => return Ok(None),
        };
        seed.deserialize(key.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Self::Error> {
        if let Some(event_type) = self.event_type.take() {
            return seed.deserialize(event_type.into_deserializer());
        }
        let mut data = serde_json::Deserializer::from_str(self.data.take().unwrap_or_default());
        let value = seed.deserialize(&mut data)?;
        data.end().map(|()| value)
    }
}

/// An event of this name from the text of its fields.
pub(crate) fn read<E: DeserializeOwned>(event_type: &str, data: &str) -> Result<E, serde_json::Error> {
    E::deserialize(MapAccessDeserializer::new(Tagged { event_type: Some(event_type), data: Some(data) }))
}

/// Keeps what is written of an event until its fields begin, and takes no more.
struct UntilFields(Vec<u8>);

impl io::Write for UntilFields {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.contains(&b',') {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The name under which an event is written, whatever its fields: they are not even looked at.
pub(crate) fn name_of(event: &impl Serialize) -> String {
    let mut written = UntilFields(Vec::with_capacity(64));
    serde_json::to_writer(&mut written, event).expect_err("an event has fields behind its name");
    let written = String::from_utf8(written.0).expect("JSON is text");
    let name = written.strip_prefix("{\"type\":\"").and_then(|rest| rest.strip_suffix('"'));
    name.expect("events are tagged objects, and their names are plain").to_owned()
}
