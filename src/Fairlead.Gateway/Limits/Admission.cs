using System.Globalization;
using Fairlead.Domain.Keys;
using Fairlead.Domain.Limits;
using Fairlead.Domain.Money;
using Fairlead.Domain.Problems;
using Fairlead.Gateway.Identity;

namespace Fairlead.Gateway.Limits;

/// <summary>(3) Takes a request, its tokens, a parallel slot and its money before any work starts: all of them, or none and the reason.</summary>
internal sealed class Admission(AliasBudgets aliases, TimeProvider time)
{
    private readonly long _origin = time.GetTimestamp();
    private int _running;

    /// <summary>Paid requests under way in this process.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>Monotonic clock of the rates.</summary>
    public TimeSpan Elapsed => time.GetElapsedTime(_origin);

    /// <summary>Takes a place among the requests under way; false when the server is full.</summary>
    public bool TryEnter(int most)
    {
        if (Interlocked.Increment(ref _running) <= most)
            return true;
        Interlocked.Decrement(ref _running);
        return false;
    }

    public void Leave() => Interlocked.Decrement(ref _running);

    /// <summary>Takes everything, or nothing and says which limit did not suffice, how much is left and when it resets.</summary>
    /// <param name="caller">Whose limits.</param>
    /// <param name="alias">The alias that was asked for; null when it was none.</param>
    /// <param name="amount">The most that the request can cost.</param>
    /// <param name="tokens">Tokens that it is expected to use.</param>
    /// <param name="ticket">What was taken; give it to <see cref="Settle"/> or <see cref="Void"/> exactly once.</param>
    public Problem? TryTake(Caller caller, string? alias, NanoDollars amount, long tokens, out Ticket ticket)
    {
        DateTimeOffset now = time.GetUtcNow();
        ticket = default;
        Shortage? shortage;
        Hold hold;
        lock (caller.Gate)
            shortage = caller.Allowance.TryTake(amount, tokens, Elapsed, now, out hold);
        if (shortage is not null)
            return Describe($"Key '{caller.Key.Name}'", caller.Key.Limits, shortage, now);

        SharedAllowance? shared = alias is null ? null : aliases.Find(alias);
        Hold sharedHold = default;
        if (shared is not null)
        {
            lock (shared.Gate)
                shortage = shared.Allowance.TryTake(amount, 0, Elapsed, now, out sharedHold);
            if (shortage is not null)
            {
                // Refused for one limit, so none of the others is used up.
                lock (caller.Gate)
                    caller.Allowance.Void(hold, now);
                return Describe($"Model '{alias}'", shared.Allowance.Limits, shortage, now);
            }
        }
        ticket = new Ticket(caller, hold, shared, sharedHold);
        return null;
    }

    /// <summary>Turns a reservation into a charge and frees the rest.</summary>
    /// <returns>What is charged; less than <paramref name="wanted"/> only where that exceeds the reservation and the budget has no room.</returns>
    public NanoDollars Settle(in Ticket ticket, NanoDollars wanted, long tokens)
    {
        DateTimeOffset now = time.GetUtcNow();
        NanoDollars charged = wanted;
        if (ticket.Shared is { } shared)
        {
            lock (shared.Gate)
                charged = shared.Allowance.Settle(ticket.SharedHold, charged, 0, now);
        }
        lock (ticket.Caller.Gate)
            return ticket.Caller.Allowance.Settle(ticket.Hold, charged, tokens, now);
    }

    /// <summary>Undoes the charge of a ticket that is settled: its answer was not handed out.</summary>
    /// <param name="ticket">As settled.</param>
    /// <param name="charged">What <see cref="Settle"/> returned.</param>
    public void TakeBack(in Ticket ticket, NanoDollars charged)
    {
        DateTimeOffset now = time.GetUtcNow();
        if (ticket.Shared is { } shared)
        {
            lock (shared.Gate)
                shared.Allowance.TakeBack(ticket.SharedHold, charged, now);
        }
        lock (ticket.Caller.Gate)
            ticket.Caller.Allowance.TakeBack(ticket.Hold, charged, now);
    }

    /// <summary>Gives everything back, as if it had never been taken.</summary>
    public void Void(in Ticket ticket)
    {
        DateTimeOffset now = time.GetUtcNow();
        if (ticket.Shared is { } shared)
        {
            lock (shared.Gate)
                shared.Allowance.Void(ticket.SharedHold, now);
        }
        lock (ticket.Caller.Gate)
            ticket.Caller.Allowance.Void(ticket.Hold, now);
    }

    /// <summary>What a caller has left, for the headers of an answer.</summary>
    public AllowanceView View(Caller caller)
    {
        DateTimeOffset now = time.GetUtcNow();
        lock (caller.Gate)
            return caller.Allowance.View(Elapsed, now);
    }

    private static Problem Describe(string whose, KeyLimits limits, Shortage shortage, DateTimeOffset now)
    {
        string retry = shortage.ResetsIn is { } wait ? $"Retry in {Math.Ceiling(wait.TotalSeconds):0} s." : "Retry when one of them has ended.";
        switch (shortage.Kind)
        {
            case LimitKind.Requests:
                return new Problem(ProblemKind.RateLimited, $"{whose} is over {limits.RequestsPerMinute} requests per minute. {retry}", RetryAfter: shortage.ResetsIn);
            case LimitKind.Tokens:
                return new Problem(ProblemKind.TokensLimited,
                    $"{whose} has {shortage.Left} of {limits.TokensPerMinute} tokens per minute left; this request needs about {shortage.Wanted}. {retry}",
                    RetryAfter: shortage.ResetsIn);
            case LimitKind.Parallel:
                return new Problem(ProblemKind.ParallelLimited, $"{whose} already has {limits.Parallel} requests under way, its limit. {retry}",
                    RetryAfter: TimeSpan.FromSeconds(1));
            default:
                Budget budget = limits.Budget!.Value;
                DateTimeOffset resets = budget.PeriodEnd(now);
                string period = budget.Period == BudgetPeriod.Day ? "the day" : now.UtcDateTime.ToString("MMMM", CultureInfo.InvariantCulture);
                return new Problem(ProblemKind.BudgetReached,
                    $"{whose} has a budget of ${Dollars(budget.Amount)} for {period}: ${Dollars(new NanoDollars(shortage.Left))} is left and this request may cost up to " +
                    $"${Dollars(new NanoDollars(shortage.Wanted))}. It resets {resets.UtcDateTime:d MMM HH:mm} UTC; lower max_tokens or raise the budget.");
        }
    }

    /// <summary>Two places at least, as money is read, and no more zeros after them than are needed.</summary>
    private static string Dollars(NanoDollars amount)
    {
        string text = amount.ToString().TrimEnd('0');
        int places = text.Length - text.IndexOf('.', StringComparison.Ordinal) - 1;
        return places >= 2 ? text : text + new string('0', 2 - places);
    }
}

/// <summary>What one request holds of its key's limits and of its alias's budget.</summary>
internal readonly record struct Ticket(Caller Caller, Hold Hold, SharedAllowance? Shared, Hold SharedHold);
