// What the Rust client does against a live server: RECOLLECT_URL and RECOLLECT_KEY are set.
use chrono::{DateTime, Duration};
use recollect_client::apis::completion_api::{self, CompleteParams, CompleteStreamParams};
use recollect_client::apis::configuration::Configuration;
use recollect_client::apis::episodes_api::{self, GetEpisodeParams, ImportEpisodesParams};
use recollect_client::apis::episodes_api::{ListEpisodesParams, PutEpisodeParams};
use recollect_client::apis::spaces_api::{self, PutSpaceParams};
use recollect_client::apis::Error;
use recollect_client::models::{
    Applicability, CompleteRequest, CompletionConfig, Episode, EpisodeInput, ImportRequest, Origin,
    PartialEpisode, Problem, Source, SpaceInput,
};
use serde_json::{json, Value};
use std::collections::HashMap;

const SPACE: &str = "client-rust";
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn fields(value: Value) -> HashMap<String, Value> {
    value.as_object().unwrap().clone().into_iter().collect()
}

fn values() -> HashMap<String, Value> {
    fields(json!({"whole": 3, "broken": 3.5, "flag": true, "text": "3", "mixed": [3, 3.5, true, "3"]}))
}

fn asked(cue: PartialEpisode) -> CompleteRequest {
    CompleteRequest { targets: Some(vec!["where".into()]), ..CompleteRequest::new(cue) }
}

async fn remember(configuration: &Configuration) -> Outcome<Vec<String>> {
    let made = spaces_api::put_space(
        configuration,
        PutSpaceParams {
            space_id: SPACE.into(),
            space_input: SpaceInput { description: Some("Live test".into()), ..Default::default() },
            if_none_match: Some("*".into()),
            ..Default::default()
        },
    )
    .await?;
    assert_eq!(made.space_id, SPACE);
    assert_eq!(made.embedding_dimensions, None);

    let begin = DateTime::parse_from_rfc3339("2026-03-01T08:00:00Z")?;
    let mut items: Vec<EpisodeInput> = (0..12)
        .map(|day| {
            let (what, place) = if day % 2 == 1 { ("breakfast", "kitchen") } else { ("lunch", "office") };
            EpisodeInput {
                id: Some(format!("day-{day}")),
                embedding: Some(vec![0.1 * day as f32, (day % 2) as f32, 0.5]),
                occurred_at: Some(begin + Duration::days(day)),
                ..EpisodeInput::new(fields(json!({"what": what, "where": place, "day": day})))
            }
        })
        .collect();
    items.push(EpisodeInput { id: Some("values".into()), ..EpisodeInput::new(values()) });
    let ids = items.iter().map(|item| item.id.clone().unwrap()).collect();
    let report = episodes_api::import_episodes(
        configuration,
        ImportEpisodesParams {
            x_memory_space: SPACE.into(),
            import_request: ImportRequest::new(items),
            ..Default::default()
        },
    )
    .await?;
    assert_eq!((report.accepted, report.rejected_total), (13, 0));
    Ok(ids)
}

async fn complete(configuration: &Configuration) -> Outcome<()> {
    let cue = PartialEpisode { known_fields: Some(fields(json!({"what": "breakfast"}))), ..Default::default() };
    let params = CompleteParams { x_memory_space: SPACE.into(), complete_request: asked(cue), ..Default::default() };
    let core = completion_api::complete(configuration, params).await?;
    assert_eq!(core.completed_episode.fields["where"], "kitchen");
    assert!(core.completion_confidence > 0.0 && core.completion_confidence <= 1.0);
    assert!(core.source_attribution.is_none());

    let cue = PartialEpisode {
        known_fields: Some(fields(json!({"what": "lunch"}))),
        partial_embedding: Some(vec![None, Some(0.0), Some(0.5)]),
        ..Default::default()
    };
    let params = CompleteParams {
        x_memory_space: SPACE.into(),
        complete_request: asked(cue.clone()),
        verbose: Some(true),
        ..Default::default()
    };
    let verbose = completion_api::complete(configuration, params).await?;
    assert_eq!(verbose.completed_episode.fields["where"], "office");
    assert_ne!(verbose.source_attribution.unwrap()["where"].source, Source::UnknownDefaultOpenApi);
    assert!(!verbose.reconstruction_stats.unwrap().energy.is_empty());
    assert!(verbose.metacognitive_confidence.is_some());

    let params =
        CompleteStreamParams { x_memory_space: SPACE.into(), complete_request: asked(cue), ..Default::default() };
    let events = completion_api::complete_stream(configuration, params).await?;
    assert!(events.contains("event: final_result"));
    Ok(())
}

async fn refuse(configuration: &Configuration) -> Outcome<()> {
    let stranger = fields(json!({"what": "nothing that was ever seen"}));
    let cue = PartialEpisode { known_fields: Some(stranger), ..Default::default() };
    let mut strict = asked(cue);
    strict.config = Some(Box::new(CompletionConfig { ca1_threshold: Some(0.9), ..Default::default() }));
    let problem = refusal(configuration, 422, strict).await?;
    assert_eq!(problem.code, "INSUFFICIENT_EVIDENCE");
    let suggestions = problem.suggestions.unwrap();
    assert!(!suggestions.is_empty());
    assert!(suggestions.iter().all(|each| each.applicability != Applicability::UnknownDefaultOpenApi));

    // Were a None sent as 0, or left out, something would be known.
    let unknown = PartialEpisode { partial_embedding: Some(vec![None, None, None]), ..Default::default() };
    let violations = refusal(configuration, 400, asked(unknown)).await?.errors.unwrap();
    assert_eq!(violations[0].pointer, "/partial_episode/partial_embedding");
    assert_eq!(violations[0].expected, "at least one known dimension");
    Ok(())
}

async fn refusal(configuration: &Configuration, status: u16, complete_request: CompleteRequest) -> Outcome<Problem> {
    let params = CompleteParams { x_memory_space: SPACE.into(), complete_request, ..Default::default() };
    let Err(error) = completion_api::complete(configuration, params).await else {
        panic!("completed all the same");
    };
    let message = error.to_string();
    let Error::ResponseError(refusal) = error else {
        panic!("{message}");
    };
    assert_eq!(refusal.status.as_u16(), status);
    let problem: Problem = serde_json::from_str(&refusal.content)?;
    assert!(message.starts_with(&format!("{}: {}", problem.title, problem.detail)));
    Ok(problem)
}

async fn page(configuration: &Configuration, mut ids: Vec<String>) -> Outcome<()> {
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let params =
            ListEpisodesParams { x_memory_space: SPACE.into(), limit: Some(5), cursor, ..Default::default() };
        let found = episodes_api::list_episodes(configuration, params).await?;
        seen.extend(found.items.into_iter().map(|episode| episode.id));
        cursor = found.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    seen.sort();
    ids.sort();
    assert_eq!(seen, ids);
    Ok(())
}

async fn keep_values(configuration: &Configuration) -> Outcome<()> {
    let params =
        GetEpisodeParams { episode_id: "values".into(), x_memory_space: SPACE.into(), ..Default::default() };
    let stored = episodes_api::get_episode(configuration, params).await?;
    assert_eq!(stored.fields, values());
    let params = PutEpisodeParams {
        episode_id: "copy".into(),
        x_memory_space: SPACE.into(),
        episode_input: EpisodeInput::new(stored.fields.clone()),
        ..Default::default()
    };
    episodes_api::put_episode(configuration, params).await?;

    let newer: Episode = serde_json::from_str(&serde_json::to_string(&stored)?.replace("observed", "dreamt"))?;
    assert_eq!(newer.origin, Origin::UnknownDefaultOpenApi);
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let configuration = Configuration {
        base_path: std::env::var("RECOLLECT_URL")? + "/api/v1",
        bearer_access_token: Some(std::env::var("RECOLLECT_KEY")?),
        ..Configuration::default()
    };
    let ids = remember(&configuration).await?;
    complete(&configuration).await?;
    refuse(&configuration).await?;
    page(&configuration, ids).await?;
    keep_values(&configuration).await
}
