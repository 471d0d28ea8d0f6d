using Fairlead.Domain.Fleet.Workers;

namespace Fairlead.Domain.Fleet.Asks;

/// <summary>What a caller is told who gets no place: what is, why, and what to do next.</summary>
internal static class Refusals
{
    public static FleetRefusal Unknown(string model) =>
        new(FleetRefusalKind.Unknown, CallerText.Plain($"This server does not run '{model}' (any more)."));

    public static FleetRefusal Cold(ModelLife model, TimeSpan now)
    {
        TimeSpan readyIn = model.ReadyIn(now);
        string state = model.Worker switch
        {
            { Phase: WorkerPhase.Loading, Share: > 0 } worker => $"is loading: {(int)(worker.Share * 100)} %, about {CallerText.Span(readyIn)}",
            { Phase: WorkerPhase.Starting or WorkerPhase.Loading } => $"is loading, about {CallerText.Span(readyIn)}",
            null when !model.Wanted(now) => $"is not loaded; that takes about {CallerText.Span(readyIn)}",
            _ => $"waits to be loaded, about {CallerText.Span(readyIn)}",
        };
        return new FleetRefusal(FleetRefusalKind.Cold, CallerText.Plain($"'{model.Terms.Model}' {state}. Ask again then, or let the request wait."), readyIn);
    }

    /// <summary>An operator has unloaded it while this one waited.</summary>
    public static FleetRefusal Stopped(ModelLife model) =>
        new(FleetRefusalKind.Cold, CallerText.Plain($"'{model.Terms.Model}' was just unloaded by an operator. The next request loads it again."), model.ColdStart);

    public static FleetRefusal QueueFull(ModelLife model, TimeSpan now)
    {
        TimeSpan placeIn = model.PlaceIn(now);
        return new(FleetRefusalKind.QueueFull,
            CallerText.Plain($"{model.Line.Count} requests wait for '{model.Terms.Model}' already, and no more may. Try again in {CallerText.Span(placeIn)}."), placeIn);
    }

    public static FleetRefusal WaitedTooLong(ModelLife model, TimeSpan waited, TimeSpan now)
    {
        TimeSpan placeIn = model.PlaceIn(now);
        string why = model.Worker switch
        {
            { Takes: true } worker => $"all {worker.Slots} of its places are taken",
            { Phase: WorkerPhase.Starting or WorkerPhase.Loading } => "it is still loading",
            _ when model.Failures.Resting(now) => "it rests after a failure",
            _ when model.LacksSince is not null && model.Known is { } need => $"there is no room yet for the {CallerText.Size(need)} that it needs",
            _ => "it is not loaded yet",
        };
        return new(FleetRefusalKind.WaitedTooLong,
            CallerText.Plain($"Waited {CallerText.Span(waited)} for '{model.Terms.Model}': {why}. Try again in {CallerText.Span(placeIn)}."), placeIn);
    }

    public static FleetRefusal TooLarge(ModelLife model, long budget) => new(FleetRefusalKind.TooLarge, TooLargeText(model, budget));

    public static string TooLargeText(ModelLife model, long budget) =>
        CallerText.Plain($"'{model.Terms.Model}' needs {CallerText.Size(model.Known ?? 0)}, and all models together may use {CallerText.Size(budget)} (fleet.memory). {WhatWouldFit(model, budget)}");

    public static FleetRefusal LoadFailed(ModelLife model, TimeSpan now)
    {
        TimeSpan rest = model.Failures.RestUntil - now;
        return new(FleetRefusalKind.LoadFailed, Because($"'{model.Terms.Model}' could not be loaded", model, $"It is tried again in {CallerText.Span(rest)}."), rest);
    }

    public static FleetRefusal Resting(ModelLife model, TimeSpan now)
    {
        TimeSpan rest = model.Failures.RestUntil > now ? model.Failures.RestUntil - now : TimeSpan.Zero;
        return new(FleetRefusalKind.Resting, Because($"'{model.Terms.Model}' rests after a failure", model, $"It is tried again in {CallerText.Span(rest)}."), rest);
    }

    public static FleetRefusal Parked(ModelLife model) =>
        new(FleetRefusalKind.Parked, Because($"'{model.Terms.Model}' was taken out of the catalogue because its worker keeps dying", model, "An operator must load it again."));

    // The worker's words are cut, never ours: what to do next stands at the end.
    private static string Because(string what, ModelLife model, string next) =>
        CallerText.Plain($"{what}: {CallerText.Sentence(model.Failures.Reason ?? "its worker ended", CallerText.Most - what.Length - next.Length - 3)} {next}");

    private static string WhatWouldFit(ModelLife model, long budget)
    {
        if (model.Need is not { Cache: > 0 } need)
            return "Raise that, or choose a smaller form of it.";
        long forCache = budget - need.Weights - need.Scratch;
        if (forCache <= 0)
            return $"Its weights alone are {CallerText.Size(need.Weights)}: choose a smaller form of it.";
        double share = forCache / (double)need.Cache;
        int slots = (int)(share * model.Terms.Slots);
        return slots > 0
            ? $"With {slots} instead of {model.Terms.Slots} slots it would fit, or with {(int)(share * 100)} % of its context."
            : $"With one slot and {(int)(share * model.Terms.Slots * 100)} % of its context it would fit.";
    }
}
