//! People who are signed in, without their passwords: hashing a thousand of them is not what is measured.

use crate::Fallible;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_canon::sha256;
use countersign_domain::ids::OrgId;
use countersign_identity::csrf::csrf_token;
use countersign_identity::server_key::ServerKey;
use sqlx::PgConnection;
use uuid::Uuid;

/// What a browser sends with each request.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: Uuid,
    token: String,
    csrf: String,
}

/// Begins a session for each of these, as identity keeps them: a digest of a token that names its organization.
pub(crate) async fn sign_in(
    owner: &mut PgConnection,
    key: &ServerKey,
    people: &[(OrgId, Uuid)],
) -> Fallible<Vec<Session>> {
    let (mut sessions, mut digests) = (Vec::new(), Vec::new());
    for (org, _) in people {
        let token = [*org.0.as_bytes(), Uuid::now_v7().into_bytes(), Uuid::now_v7().into_bytes()].concat();
        digests.push(sha256(&[&token]).0.to_vec());
        let token = URL_SAFE_NO_PAD.encode(&token);
        sessions.push(Session { id: Uuid::now_v7(), csrf: csrf_token(key, &token).reveal().to_owned(), token });
    }
    let (orgs, subjects): (Vec<Uuid>, Vec<Uuid>) = people.iter().map(|(org, person)| (org.0, *person)).unzip();
    let ids: Vec<Uuid> = sessions.iter().map(|session| session.id).collect();
    let begun = sqlx::query(
        r#"INSERT INTO identity.session
               (org_id, session_id, token_digest, principal_kind, principal_id, invitation_id,
                device_label, device_digest, started_at, last_seen_at, idle_until, expires_at)
           SELECT subject.org_id, asked.session_id, asked.digest, subject.kind, subject.subject_id,
                  subject.accepted_invitation, 'bench', asked.digest, now(), now(), now() + interval '12 hours',
                  now() + interval '12 hours'
           FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bytea[]) asked (org_id, subject_id, session_id, digest)
           JOIN read.active_generation active ON active.org_id = asked.org_id AND active."group" = 'access'
           JOIN read.access_subject subject
             ON subject.generation = active.generation AND subject.org_id = asked.org_id
            AND subject.subject_id = asked.subject_id AND subject.status = 'active'"#,
    )
    .bind(orgs)
    .bind(subjects)
    .bind(ids)
    .bind(digests)
    .execute(owner)
    .await?;
    match begun.rows_affected() as usize == people.len() {
        true => Ok(sessions),
        false => Err("somebody who was to sign in is not active".into()),
    }
}

impl Session {
    /// What shows who asks, for a request that only reads.
    pub(crate) fn cookie(&self) -> String {
        format!("Cookie: __Host-countersign={}\r\n", self.token)
    }

    /// The same for one that changes something.
    pub(crate) fn proof(&self) -> String {
        format!("{}X-CSRF-Token: {}\r\n", self.cookie(), self.csrf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::firm::{Firm, find_many, register_many};
    use crate::installation::ledger_over;
    use countersign_domain::envelope::Principal;
    use countersign_eventstore::{Clock, MasterKey, SystemClock};
    use countersign_identity::Identity;
    use countersign_identity::limits::Limits;
    use sqlx::PgPool;
    use std::sync::Arc;

    #[sqlx::test(migrations = "../../migrations")]
    async fn an_admin_of_a_firm_that_is_found_is_signed_in(pool: PgPool) {
        let registered = register_many(&ledger_over(pool.clone(), &MasterKey::generate()).unwrap(), 2).await.unwrap();
        let mut owner = pool.acquire().await.unwrap();
        let found = find_many(&mut owner).await.unwrap();
        let names = |firms: &[Firm]| {
            let mut names: Vec<_> = firms.iter().map(|firm| (firm.org, firm.admin, firm.clients[0])).collect();
            names.sort();
            names
        };
        assert_eq!(names(&found), names(&registered));

        let key = Arc::new(ServerKey::new([7; 32]));
        let people: Vec<_> = found.iter().map(|firm| (firm.org, firm.admin.0)).collect();
        let sessions = sign_in(&mut owner, &key, &people).await.unwrap();
        let identity = Identity::new(pool.clone(), key, Limits::default());
        for (firm, session) in found.iter().zip(&sessions) {
            let who = identity.authenticate(&session.token, SystemClock.now()).await.unwrap();
            assert_eq!((who.org, who.principal()), (firm.org, Principal::Staff(firm.admin)));
        }
        let stranger = [(found[0].org, Uuid::nil())];
        assert!(sign_in(&mut owner, &ServerKey::new([7; 32]), &stranger).await.is_err());
    }
}
