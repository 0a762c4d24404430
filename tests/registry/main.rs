//! Images in registries: a real one, and one that misbehaves on demand.
//!
//! | module | what belongs there |
//! |---|---|
//! | `real` | Debian's `docker-registry` with TLS and passwords, filled by skopeo, compared with the layout that the images came from |
//! | `server` | an HTTP server of our own that answers what a test says, and remembers what it was asked |
//! | `faults` | what servers and networks do wrong |
//! | `logins` | challenges, tokens, and where credentials are found |
//! | `clouds` | logins that a cloud gives its own machines and jobs |
//! | `copy` | images from one repository to another, and what goes wrong on the way |
//! | `incident` | which tags carry a leaked layer |
//! | `signing` | signatures: where they are put and found, and what registries do wrong with them |
//! | `stores` | advisory stores: published, fetched by deltas, and what is not believed |
//! | `bases` | base images: catalogued, known again, compared with a newer one, and what is not believed |
//! | `places` | mirrors, proxies, and what may not be reached |

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise, and says what it skipped")]

#[macro_use]
#[path = "../support/skip.rs"]
mod skip;

mod attached;
mod bases;
mod clouds;
mod copy;
mod faults;
mod incident;
mod logins;
mod places;
mod real;
mod server;
mod signing;
mod stores;
#[expect(dead_code, reason = "the tests of the whole program use all of it")]
#[path = "../cli/world.rs"]
mod world;
#[expect(dead_code, reason = "the tests of the tar reader use all of it")]
#[path = "../tar_differential/writer.rs"]
mod writer;
