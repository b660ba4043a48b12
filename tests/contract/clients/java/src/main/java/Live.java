import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import recollect.client.ApiClient;
import recollect.client.ApiException;
import recollect.client.api.CompletionApi;
import recollect.client.api.EpisodesApi;
import recollect.client.api.SpacesApi;
import recollect.client.model.Applicability;
import recollect.client.model.CompleteRequest;
import recollect.client.model.CompletionConfig;
import recollect.client.model.Episode;
import recollect.client.model.EpisodeInput;
import recollect.client.model.ImportRequest;
import recollect.client.model.Origin;
import recollect.client.model.PartialEpisode;
import recollect.client.model.Problem;
import recollect.client.model.Source;
import recollect.client.model.SpaceInput;

/** What the Java client does against a live server: RECOLLECT_URL and RECOLLECT_KEY are set. */
public class Live {
  static final String SPACE = "client-java";
  static final ApiClient CLIENT = new ApiClient();

  public static void main(String[] arguments) throws Exception {
    CLIENT.updateBaseUri(System.getenv("RECOLLECT_URL") + "/api/v1");
    CLIENT.setRequestInterceptor(
        request -> request.header("Authorization", "Bearer " + System.getenv("RECOLLECT_KEY")));
    List<String> ids = remember();
    complete();
    refuse();
    page(ids);
    keepValues();
  }

  static Map<String, Object> values() {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("whole", 3);
    values.put("broken", 3.5);
    values.put("flag", true);
    values.put("text", "3");
    values.put("mixed", List.of(3, 3.5, true, "3"));
    return values;
  }

  static List<String> remember() throws Exception {
    var made = new SpacesApi(CLIENT).putSpace(SpacesApi.APIPutSpaceRequest.newBuilder()
        .spaceId(SPACE).spaceInput(new SpaceInput().description("Live test")).ifNoneMatch("*").build());
    assert made.getSpaceId().equals(SPACE);
    assert made.getEmbeddingDimensions() == null;

    List<EpisodeInput> items = new ArrayList<>();
    for (int day = 0; day < 12; day++) {
      boolean isMorning = day % 2 == 1;
      items.add(new EpisodeInput()
          .id("day-" + day)
          .fields(Map.of("what", isMorning ? "breakfast" : "lunch", "where", isMorning ? "kitchen" : "office", "day", day))
          .embedding(List.of(0.1f * day, isMorning ? 1f : 0f, 0.5f))
          .occurredAt(OffsetDateTime.of(2026, 3, 1 + day, 8, 0, 0, 0, ZoneOffset.UTC)));
    }
    items.add(new EpisodeInput().id("values").fields(values()));
    var report = new EpisodesApi(CLIENT).importEpisodes(EpisodesApi.APIImportEpisodesRequest.newBuilder()
        .xMemorySpace(SPACE).importRequest(new ImportRequest().items(items)).build());
    assert report.getAccepted() == 13 && report.getRejectedTotal() == 0;
    List<String> ids = new ArrayList<>();
    items.forEach(item -> ids.add(item.getId()));
    return ids;
  }

  static CompletionApi.APICompleteRequest.Builder asking(CompleteRequest asked) {
    return CompletionApi.APICompleteRequest.newBuilder().xMemorySpace(SPACE).completeRequest(asked);
  }

  static void complete() throws Exception {
    CompletionApi completion = new CompletionApi(CLIENT);
    CompleteRequest asked = new CompleteRequest()
        .partialEpisode(new PartialEpisode().knownFields(Map.of("what", "breakfast")))
        .targets(List.of("where"));
    var core = completion.complete(asking(asked).build());
    assert core.getCompletedEpisode().getFields().get("where").equals("kitchen");
    assert core.getCompletionConfidence() > 0 && core.getCompletionConfidence() <= 1;
    assert core.getSourceAttribution() == null || core.getSourceAttribution().isEmpty();

    asked.partialEpisode(new PartialEpisode()
        .knownFields(Map.of("what", "lunch")).partialEmbedding(Arrays.asList(null, 0f, 0.5f)));
    var verbose = completion.complete(asking(asked).verbose(true).build());
    assert verbose.getCompletedEpisode().getFields().get("where").equals("office");
    assert verbose.getSourceAttribution().get("where").getSource() != Source.UNKNOWN_DEFAULT_OPEN_API;
    assert !verbose.getReconstructionStats().getEnergy().isEmpty();
    assert verbose.getMetacognitiveConfidence() != null;

    String events = completion.completeStream(CompletionApi.APICompleteStreamRequest.newBuilder()
        .xMemorySpace(SPACE).completeRequest(asked).build());
    assert events.contains("event: final_result");
  }

  static void refuse() throws Exception {
    CompleteRequest asked = new CompleteRequest()
        .partialEpisode(new PartialEpisode().knownFields(Map.of("what", "nothing that was ever seen")))
        .targets(List.of("where"))
        .config(new CompletionConfig().ca1Threshold(0.9));
    Problem problem = refusal(422, asked);
    assert problem.getCode().equals("INSUFFICIENT_EVIDENCE");
    assert !problem.getSuggestions().isEmpty();
    problem.getSuggestions().forEach(each -> {
      assert each.getApplicability() != Applicability.UNKNOWN_DEFAULT_OPEN_API;
    });

    // Were a null sent as 0, or left out, something would be known.
    PartialEpisode unknown = new PartialEpisode().partialEmbedding(Arrays.asList(null, null, null));
    var violation = refusal(400, new CompleteRequest().partialEpisode(unknown).targets(List.of("where"))).getErrors().get(0);
    assert violation.getPointer().equals("/partial_episode/partial_embedding");
    assert violation.getExpected().equals("at least one known dimension");
  }

  static Problem refusal(int status, CompleteRequest asked) throws Exception {
    try {
      new CompletionApi(CLIENT).complete(asking(asked).build());
    } catch (ApiException refusal) {
      assert refusal.getCode() == status;
      Problem problem = CLIENT.getObjectMapper().readValue(refusal.getResponseBody(), Problem.class);
      assert refusal.getMessage().startsWith(problem.getTitle() + ": " + problem.getDetail());
      return problem;
    }
    throw new AssertionError("completed all the same");
  }

  static void page(List<String> ids) throws Exception {
    List<String> seen = new ArrayList<>();
    String cursor = null;
    do {
      var page = new EpisodesApi(CLIENT).listEpisodes(EpisodesApi.APIListEpisodesRequest.newBuilder()
          .xMemorySpace(SPACE).limit(5).cursor(cursor).build());
      page.getItems().forEach(episode -> seen.add(episode.getId()));
      cursor = page.getNextCursor();
    } while (cursor != null);
    assert seen.size() == ids.size() && new TreeSet<>(seen).equals(new TreeSet<>(ids));
  }

  static void keepValues() throws Exception {
    EpisodesApi episodes = new EpisodesApi(CLIENT);
    Episode stored = episodes.getEpisode(EpisodesApi.APIGetEpisodeRequest.newBuilder()
        .episodeId("values").xMemorySpace(SPACE).build());
    assert stored.getFields().equals(values());
    episodes.putEpisode(EpisodesApi.APIPutEpisodeRequest.newBuilder()
        .episodeId("copy").xMemorySpace(SPACE).episodeInput(new EpisodeInput().fields(stored.getFields())).build());

    String text = CLIENT.getObjectMapper().writeValueAsString(stored).replace("observed", "dreamt");
    Episode newer = CLIENT.getObjectMapper().readValue(text, Episode.class);
    assert newer.getOrigin() == Origin.UNKNOWN_DEFAULT_OPEN_API;
  }
}
