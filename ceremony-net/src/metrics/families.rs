//! Every metric that a node of a ceremony may have: its name, its labels, and what it means.
//!
//! Names and units are by Prometheus' conventions. Values of labels come from closed lists and from
//! the ceremony's rules (names of circuits), so that no client chooses how many there are.
//! `docs/metrics.md` has the same list; a test holds the two against each other.

use metrics::Unit;

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// It only rises.
    Counter,
    /// It is what it is now.
    Gauge,
    /// Counts by size, in buckets.
    Histogram,
}

impl Type {
    /// As Prometheus writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A metric.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Type,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it means.
    pub help: &'static str,
}

impl Family {
    pub(super) fn unit(&self) -> Option<Unit> {
        let name = self.name.trim_end_matches("_total");
        if name.ends_with("_seconds") {
            Some(Unit::Seconds)
        } else if name.ends_with("_bytes") {
            Some(Unit::Bytes)
        } else {
            None
        }
    }
}

macro_rules! families {
    ($($constant:ident $kind:ident $name:literal [$($label:literal),*] $help:literal;)+) => {
        $(pub(crate) const $constant: &str = $name;)+

        /// All of them, but for `process_*`, which are those of every Prometheus client.
        pub const FAMILIES: &[Family] = &[
            $(Family { name: $name, kind: Type::$kind, labels: &[$($label),*], help: $help },)+
        ];
    };
}

families! {
    BUILD Gauge "ceremony_build_info" ["node", "version"]
        "1, of a node of this kind and version";
    FINISHED Gauge "ceremony_node_finished" []
        "1 once this node has nothing more to do, and may end";
    STAGE Gauge "ceremony_stage" ["stage"]
        "1 for what the ceremony waits for";
    CONTRIBUTIONS Counter "ceremony_contributions_total" ["phase", "circuit", "result"]
        "Contributions of the journal";
    REFUSALS Counter "ceremony_contributions_refused_total" ["check"]
        "Refused contributions of the journal, by the check that did not hold";
    TURNS Counter "ceremony_turns_total" ["event"]
        "What became of turns, by the journal";
    TURN_HELD Gauge "ceremony_turn_held" ["state"]
        "1 while a participant has the turn (open), or the service verifies what came in it";
    TURN_AGE Gauge "ceremony_turn_age_seconds" []
        "How long the turn is held; 0 without one";
    TURN_LEASE Gauge "ceremony_turn_lease_seconds" []
        "How long the turn may take; 0 without one";
    TURN_REMAINING Gauge "ceremony_turn_remaining_seconds" []
        "Time that is left of an open turn; 0 without one";
    QUEUE_LENGTH Gauge "ceremony_queue_length" []
        "Participants in the queue";
    QUEUE_WAIT Gauge "ceremony_queue_wait_seconds" []
        "How long the first of the queue waits";
    ROSTER_MISSING Gauge "ceremony_roster_missing" ["phase"]
        "Participants of the phase who have not contributed to each of its chains";
    HEAD_INDEX Gauge "ceremony_head_index" ["phase", "circuit"]
        "Number of the chain's last step";
    HEAD_TIME Gauge "ceremony_head_timestamp_seconds" ["phase", "circuit"]
        "When the chain's last step was signed, by its maker's clock";
    BEACON_TIME Gauge "ceremony_beacon_timestamp_seconds" ["phase"]
        "When the planned round of the beacon is public; 0 where it is not known";
    BEACON_PENDING Gauge "ceremony_beacon_pending" ["phase"]
        "1 while the phase has no beacon";
    VERIFICATION_TIME Gauge "ceremony_verification_timestamp_seconds" []
        "When every file was verified: the transcript's time, or the mirror's; 0 before";
    AUDITS Counter "ceremony_audits_total" ["result"]
        "Signed results of audits that came";
    BACKUP_TIME Gauge "ceremony_backup_timestamp_seconds" []
        "When the file of --backup-stamp was touched; 0 where it is not there, NaN without the option";
    PUBLISHED_TIME Gauge "ceremony_publication_timestamp_seconds" []
        "When everything was last published; 0 before, NaN without --publish";
    PUBLICATION_REFUSED Gauge "ceremony_publication_refused" []
        "1 while the store of --publish has an object with other bytes, or a list that must stay";
    JOURNAL_ENTRIES Gauge "ceremony_journal_entries" []
        "Entries of the journal";
    JOURNAL_TIME Gauge "ceremony_journal_timestamp_seconds" []
        "When its last entry was written";
    WITHHELD Gauge "ceremony_files_withheld" []
        "1 while no file is handed out, because the folder has one that must not be";
    CERTIFICATE_NOT_AFTER Gauge "ceremony_certificate_not_after_timestamp_seconds" []
        "When the TLS certificate runs out; 0 without one";
    BUNDLE_NOT_AFTER Gauge "ceremony_bundle_not_after_timestamp_seconds" []
        "Until when the bundle may be imported; 0 without one";
    POLICY_NOT_AFTER Gauge "ceremony_policy_not_after_timestamp_seconds" []
        "Until when the trust policy holds; 0 where it has no end";
    DISK_FREE Gauge "ceremony_disk_free_bytes" ["disk"]
        "Free bytes of the disk of the folder or working copy, or of the service's own folder";
    DISK_NEEDED Gauge "ceremony_disk_needed_bytes" []
        "Bytes that the next two steps need";
    WORK_SECONDS Histogram "ceremony_work_seconds" ["step", "phase"]
        "How long a step took that was done";
    WORK_POINTS Counter "ceremony_work_points_total" ["step", "phase"]
        "Points that were worked on; bytes of files that are fetched or sent; proofs";
    WORK_BYTES Counter "ceremony_work_bytes_total" ["step", "phase"]
        "Bytes of the files of the steps that were done";
    RECEIVED Counter "ceremony_network_receive_bytes_total" []
        "Bytes of bodies of requests and answers that came";
    SENT Counter "ceremony_network_transmit_bytes_total" []
        "Bytes of bodies of requests and answers that were sent";
    REQUESTS Counter "ceremony_http_requests_total" ["code"]
        "Requests that were answered, by the first digit of the status";
    SECURITY Counter "ceremony_security_events_total" ["listener", "kind"]
        "What was refused, or noticed, by a node's listener";
    CLOCK Gauge "ceremony_clock_offset_seconds" []
        "This machine's clock less the service's, as its last answer told it";
    RETRIES Counter "ceremony_client_retries_total" []
        "Requests that failed and are sent again";
    CLIENT_REFUSALS Counter "ceremony_client_refusals_total" []
        "Requests that the service refused";
    STANDING Gauge "ceremony_participant_state" ["state"]
        "1 for what the participant does";
    AHEAD Gauge "ceremony_participant_ahead" []
        "How many have their turn before this participant";
    MIRROR_BEHIND Gauge "ceremony_mirror_behind_steps" []
        "Steps that are there and not here; with --verify, those that are not verified here yet";
    MIRROR_DISAGREES Gauge "ceremony_mirror_disagreement" []
        "1 once the service's history is another one than this copy's, or does not verify";
    MIRROR_SYNC Gauge "ceremony_mirror_sync_timestamp_seconds" []
        "When the copy was last brought up to date; 0 before";
    PROOFS Counter "ceremony_proofs_total" ["result"]
        "Proofs that were verified";
}
