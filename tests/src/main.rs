//! What must hold of Countersign as a whole.
//!
//! `workspace` looks at the sources: layers, statements, documents. A story that is told over HTTP and through the binary
//! is a module beside it, named after what it tells; one file a story.

mod portal;
mod workspace;
