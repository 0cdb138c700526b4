//! Where in which trace something happens: small enough to travel with a command, a batch, or the word that something
//! was committed. A span itself cannot travel: it lasts for as long as somebody holds it.

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The target of every span that is exported, and of no other: what leaves the house is chosen span by span, and the
/// spans and lines of logs, which say more, stay in.
pub const TRACES: &str = "countersign::trace";

/// A place in a trace. There is none where nothing is traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace: TraceId,
    span: SpanId,
    flags: TraceFlags,
}

impl TraceContext {
    /// The place of a span that is exported.
    pub fn of(span: &Span) -> Option<Self> {
        if span.is_disabled() {
            return None;
        }
        let context = span.context();
        let span = context.span();
        let place = span.span_context();
        (place.is_valid() && place.is_sampled()).then(|| Self {
            trace: place.trace_id(),
            span: place.span_id(),
            flags: place.trace_flags(),
        })
    }

    /// The place of the span in which this is asked.
    pub fn current() -> Option<Self> {
        Self::of(&Span::current())
    }

    /// Reads the header `traceparent` (W3C Trace Context). What does not read is ignored, as its authors ask.
    pub fn from_traceparent(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let version = parts.next().filter(|version| is_hex(version, 2) && *version != "ff")?;
        let trace = parts.next().filter(|trace| is_hex(trace, 32))?;
        let span = parts.next().filter(|span| is_hex(span, 16))?;
        let flags = parts.next().filter(|flags| is_hex(flags, 2))?;
        // A later version may say more behind what is known of this one.
        if version == "00" && parts.next().is_some() {
            return None;
        }
        let place = Self {
            trace: TraceId::from_hex(trace).ok()?,
            span: SpanId::from_hex(span).ok()?,
            flags: TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED,
        };
        place.as_remote().is_valid().then_some(place)
    }

    /// Makes a span that has not been entered yet part of this trace, below this place.
    pub fn is_parent_of(self, span: &Span) {
        // Where nothing is traced there is nobody to tell.
        drop(span.set_parent(Context::new().with_remote_span_context(self.as_remote())));
    }

    /// Says of a span that it also follows from this place: where one step serves several commands.
    pub fn is_linked_to(self, span: &Span) {
        span.add_link(self.as_remote());
    }

    fn as_remote(self) -> SpanContext {
        SpanContext::new(self.trace, self.span, self.flags, true, TraceState::default())
    }
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn a_traceparent_names_a_trace_and_a_place_in_it() {
        let place = TraceContext::from_traceparent(&format!("00-{TRACE}-{SPAN}-01")).unwrap();
        assert_eq!((place.trace.to_string(), place.span.to_string()), (TRACE.to_owned(), SPAN.to_owned()));
        assert!(place.as_remote().is_sampled());
        let unsampled = TraceContext::from_traceparent(&format!("00-{TRACE}-{SPAN}-00")).unwrap();
        assert!(!unsampled.as_remote().is_sampled());
        assert!(TraceContext::from_traceparent(&format!("01-{TRACE}-{SPAN}-01-more")).is_some());
    }

    #[test]
    fn what_does_not_read_as_a_traceparent_is_ignored() {
        let zeros = "0".repeat(32);
        for header in [
            String::new(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{zeros}-{SPAN}-01"),
            format!("00-{TRACE}-{}-01", &zeros[..16]),
            format!("00-{TRACE}-{SPAN}-é"),
        ] {
            assert_eq!(TraceContext::from_traceparent(&header), None, "{header}");
        }
    }

    #[test]
    fn where_nothing_is_traced_there_is_no_place() {
        assert_eq!(TraceContext::current(), None);
    }
}
