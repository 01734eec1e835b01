//! What stands beside the score, from JSON back to what it was.

use super::v1::{JsonArea, JsonClient, JsonHeld};
use crate::clients::Client;
use crate::score::{AreaScore, Held};

pub(super) const fn area(json: JsonArea) -> AreaScore {
    AreaScore { value: json.value, points: json.points, judged: json.judged }
}

pub(super) fn held(json: JsonHeld) -> Held {
    Held { grade: json.grade, by: json.by, value: json.value, needs: json.needs }
}

pub(super) fn client(json: JsonClient) -> Client {
    Client { family: json.family, can: json.can, why: json.why }
}
