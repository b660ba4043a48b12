// What the Go client does against a live server: RECOLLECT_URL and RECOLLECT_KEY are set.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"reflect"
	"sort"
	"strings"
	"time"

	recollect "recollect.example/clients/go"
)

const space = "client-go"

var values = map[string]any{
	"whole": 3.0, "broken": 3.5, "flag": true, "text": "3", "mixed": []any{3.0, 3.5, true, "3"},
}

func main() {
	log.SetFlags(log.Lshortfile)
	configuration := recollect.NewConfiguration()
	server := recollect.ServerConfiguration{URL: os.Getenv("RECOLLECT_URL") + "/api/v1"}
	configuration.Servers = recollect.ServerConfigurations{server}
	client := recollect.NewAPIClient(configuration)
	ctx := context.WithValue(context.Background(), recollect.ContextAccessToken, os.Getenv("RECOLLECT_KEY"))

	items := remember(ctx, client)
	complete(ctx, client)
	refuse(ctx, client)
	page(ctx, client, items)
	keepValues(ctx, client)
}

func remember(ctx context.Context, client *recollect.APIClient) []recollect.EpisodeInput {
	settings := recollect.SpaceInput{Description: recollect.PtrString("Live test")}
	made, _, err := client.SpacesAPI.PutSpace(ctx, space).SpaceInput(settings).IfNoneMatch("*").Execute()
	must(err)
	expect(made.SpaceId == space && !made.EmbeddingDimensions.IsSet() || made.EmbeddingDimensions.Get() == nil)

	var items []recollect.EpisodeInput
	for day := range 12 {
		what, where := "lunch", "office"
		if day%2 == 1 {
			what, where = "breakfast", "kitchen"
		}
		items = append(items, recollect.EpisodeInput{
			Id:         recollect.PtrString(fmt.Sprint("day-", day)),
			Fields:     map[string]any{"what": what, "where": where, "day": day},
			Embedding:  []float32{0.1 * float32(day), float32(day % 2), 0.5},
			OccurredAt: recollect.PtrTime(time.Date(2026, 3, 1+day, 8, 0, 0, 0, time.UTC)),
		})
	}
	items = append(items, recollect.EpisodeInput{Id: recollect.PtrString("values"), Fields: values})
	report, _, err := client.EpisodesAPI.ImportEpisodes(ctx).XMemorySpace(space).
		ImportRequest(recollect.ImportRequest{Items: items}).Execute()
	must(err)
	expect(report.Accepted == 13 && report.RejectedTotal == 0)
	return items
}

func complete(ctx context.Context, client *recollect.APIClient) {
	asked := recollect.CompleteRequest{
		PartialEpisode: recollect.PartialEpisode{KnownFields: map[string]any{"what": "breakfast"}},
		Targets:        []string{"where"},
	}
	core, _, err := client.CompletionAPI.Complete(ctx).XMemorySpace(space).CompleteRequest(asked).Execute()
	must(err)
	expect(core.CompletedEpisode.Fields["where"] == "kitchen")
	expect(core.CompletionConfidence > 0 && core.CompletionConfidence <= 1)
	expect(core.SourceAttribution == nil)

	asked.PartialEpisode = recollect.PartialEpisode{
		KnownFields:      map[string]any{"what": "lunch"},
		PartialEmbedding: []*float32{nil, recollect.PtrFloat32(0), recollect.PtrFloat32(0.5)},
	}
	verbose, _, err := client.CompletionAPI.Complete(ctx).XMemorySpace(space).CompleteRequest(asked).Verbose(true).Execute()
	must(err)
	expect(verbose.CompletedEpisode.Fields["where"] == "office")
	source := (*verbose.SourceAttribution)["where"].Source
	expect(source.IsValid())
	expect(len(verbose.ReconstructionStats.Energy) > 0)
	expect(verbose.MetacognitiveConfidence != nil)

	events, _, err := client.CompletionAPI.CompleteStream(ctx).XMemorySpace(space).CompleteRequest(asked).Execute()
	must(err)
	expect(strings.Contains(events, "event: final_result"))
}

func refuse(ctx context.Context, client *recollect.APIClient) {
	asked := recollect.CompleteRequest{
		PartialEpisode: recollect.PartialEpisode{KnownFields: map[string]any{"what": "nothing that was ever seen"}},
		Targets:        []string{"where"},
		Config:         &recollect.CompletionConfig{Ca1Threshold: recollect.PtrFloat64(0.9)},
	}
	problem := refusal(ctx, client, 422, asked)
	expect(problem.Code == "INSUFFICIENT_EVIDENCE" && len(problem.Suggestions) > 0)
	for _, suggestion := range problem.Suggestions {
		expect(suggestion.Applicability.IsValid())
	}

	// Were a nil sent as 0, or left out, something would be known.
	unknown := recollect.PartialEpisode{PartialEmbedding: []*float32{nil, nil, nil}}
	invalid := refusal(ctx, client, 400, recollect.CompleteRequest{PartialEpisode: unknown, Targets: []string{"where"}})
	expect(invalid.Errors[0].Pointer == "/partial_episode/partial_embedding")
	expect(invalid.Errors[0].Expected == "at least one known dimension")
}

func refusal(
	ctx context.Context, client *recollect.APIClient, status int, asked recollect.CompleteRequest,
) recollect.Problem {
	_, response, err := client.CompletionAPI.Complete(ctx).XMemorySpace(space).CompleteRequest(asked).Execute()
	var refusal *recollect.GenericOpenAPIError
	expect(errors.As(err, &refusal) && response.StatusCode == status)
	problem := refusal.Model().(recollect.Problem)
	expect(strings.HasPrefix(err.Error(), problem.Title+": "+problem.Detail))
	return problem
}

func page(ctx context.Context, client *recollect.APIClient, items []recollect.EpisodeInput) {
	var seen, stored []string
	for _, item := range items {
		stored = append(stored, *item.Id)
	}
	request := client.EpisodesAPI.ListEpisodes(ctx).XMemorySpace(space).Limit(5)
	for {
		found, _, err := request.Execute()
		must(err)
		for _, episode := range found.Items {
			seen = append(seen, episode.Id)
		}
		if found.NextCursor.Get() == nil {
			break
		}
		request = request.Cursor(*found.NextCursor.Get())
	}
	sort.Strings(seen)
	sort.Strings(stored)
	expect(reflect.DeepEqual(seen, stored))
}

func keepValues(ctx context.Context, client *recollect.APIClient) {
	stored, _, err := client.EpisodesAPI.GetEpisode(ctx, "values").XMemorySpace(space).Execute()
	must(err)
	expect(reflect.DeepEqual(stored.Fields, values))
	copied := recollect.EpisodeInput{Fields: stored.Fields}
	_, _, err = client.EpisodesAPI.PutEpisode(ctx, "copy").XMemorySpace(space).EpisodeInput(copied).Execute()
	must(err)

	text, err := json.Marshal(stored)
	must(err)
	var newer recollect.Episode
	must(json.Unmarshal([]byte(strings.Replace(string(text), "observed", "dreamt", 1)), &newer))
	expect(newer.Origin == "dreamt" && !newer.Origin.IsValid())
}

func must(err error) {
	if err != nil {
		log.Output(2, err.Error())
		os.Exit(1)
	}
}

func expect(holds bool) {
	if !holds {
		log.Output(2, "not as expected")
		os.Exit(1)
	}
}
