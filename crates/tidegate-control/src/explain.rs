//! Why a request would go where: the walk of a request through a snapshot, told step by step and not
//! taken.

use serde::Serialize;
