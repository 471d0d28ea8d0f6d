using System.Globalization;
using Fairlead.Api;
using Fairlead.Domain.Catalogue;
using Fairlead.Domain.Ids;
using Fairlead.Domain.Inference;
using Fairlead.Domain.Keys;
using Fairlead.Domain.Ledger;
using Fairlead.Domain.Limits;
using Fairlead.Domain.Routing;
using Fairlead.Gateway.Catalogue;
using Fairlead.Gateway.Dispatch;
using Fairlead.Gateway.Door;
using Fairlead.Gateway.Identity;
using Fairlead.Gateway.Limits;
using Fairlead.Gateway.Metering;
using Fairlead.Gateway.Settings;
using Fairlead.Storage.Ledger;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using static Fairlead.Gateway.Admin.AdminAnswer;

namespace Fairlead.Gateway.Admin;

/// <summary>The admin API, on the control socket only. All that the command line can do, it does through this.</summary>
internal sealed class AdminDoor(
    DeploymentKeeper keeper, KeyRing keys, Vault vault, RequestLog requests, CircuitTable circuits, Admission admission, HealthReport health,
    ConfigurationHooks hooks, TimeProvider time)
{
    private readonly DateTimeOffset _startedAt = time.GetUtcNow();

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/status", (RequestDelegate)(http => Send(http, Status(), ApiJson.Default.ServerStatus)));
        routes.MapGet("/api/models", (RequestDelegate)(http => Send(http, Models(http.Request.Query["search"], http.Request.Query["provider"]), ApiJson.Default.ListModelView)));
        routes.MapGet("/api/keys", (RequestDelegate)(http => Send(http, keys.All().Select(View).ToList(), ApiJson.Default.ListKeyView)));
        routes.MapPost("/api/keys", (RequestDelegate)CreateKey);
        routes.MapPost("/api/keys/{name}/revoke", (RequestDelegate)RevokeKey);
        routes.MapPost("/api/keys/{name}/rotate", (RequestDelegate)RotateKey);
        routes.MapGet("/api/requests", (RequestDelegate)ListRequests);
        routes.MapGet("/api/requests/{id}", (RequestDelegate)ShowRequest);
        routes.MapGet("/api/usage", (RequestDelegate)Usage);
        routes.MapGet("/api/ledger/verify", (RequestDelegate)VerifyLedger);
        routes.MapGet("/api/doctor", (RequestDelegate)(http => Send(http, Doctor.Examine(vault, keeper, circuits, health, time), ApiJson.Default.ListDoctorCheck)));
        new LocalDoor(keeper, hooks).Map(routes);
        routes.MapPost("/api/config/reload", (RequestDelegate)Reload);
        routes.MapFallback((RequestDelegate)(http => Refuse(http, 404, "not_found", "The admin API has no such route.")));
    }

    private ServerStatus Status()
    {
        Dictionary<string, (CircuitCause Why, TimeSpan In)> open = new(StringComparer.OrdinalIgnoreCase);
        foreach ((string provider, CircuitCause why, TimeSpan wait) in circuits.Open())
            open[provider] = (why, wait);
        return new ServerStatus(
            ProductVersion.Text, _startedAt, $"http://{keeper.Current.Settings.Listen}", vault.Folder.Path, health.Read().Status, admission.Running,
            keeper.Current.Catalogue.Models.Length,
            [
                .. keeper.Providers().Select(p => open.TryGetValue(p.Name, out (CircuitCause Why, TimeSpan In) resting)
                    ? new ProviderStatus(p.Name, p.Url, p.Offers, p.Found, resting.Why.ToString().ToLowerInvariant(), Math.Ceiling(resting.In.TotalSeconds))
                    : new ProviderStatus(p.Name, p.Url, p.Offers, p.Found, null, 0)),
            ]);
    }

    private List<ModelView> Models(string? search, string? provider)
    {
        Deployment current = keeper.Current;
        return
        [
            .. current.Catalogue.Models
                .Where(m => string.IsNullOrEmpty(search) || m.Id.Contains(search, StringComparison.OrdinalIgnoreCase)
                    || m.Offers.Any(o => o.Aliases.Append(o.ProviderModelId).Any(a => $"{o.Provider}/{a}".Contains(search, StringComparison.OrdinalIgnoreCase))))
                .Where(m => string.IsNullOrEmpty(provider) || m.Offers.Any(o => o.Provider.Equals(provider, StringComparison.OrdinalIgnoreCase)))
                .Select(m => new ModelView(m.Id, [.. m.Offers.Select(o => View(current, o))])),
        ];
    }

    private OfferView View(Deployment deployment, Offer offer)
    {
        OfferCondition condition = deployment.Runtime(offer)?.Condition ?? OfferCondition.Unknown;
        string status = LocalModels.IsProvider(offer.Provider) && keeper.Fleet.Status(offer.Name) is { } own ? LocalViews.Word(own.State)
            : offer.Status == OfferStatus.Gone ? "gone" : offer.IsRetired(Today) ? "retired" : condition.AskableIn > TimeSpan.Zero ? "resting" : offer.Price is null ? "price_unknown" : "live";
        bool byTokens = offer.Price is { ChargesTokens: true } or { ChargesTime: false }; // time that costs is no token for nothing
        return new OfferView(
            offer.Provider, offer.ProviderModelId, status, byTokens ? Price(offer.Price?.Input.PerMillion) : null, byTokens ? Price(offer.Price?.Output.PerMillion) : null,
            offer.Price is { ChargesTime: true } timed ? Price(timed.Hourly?.PerHour) : null, offer.ContextLength,
            offer.Can.Has(Abilities.Tools), offer.Can.Has(Abilities.Images), offer.Can.Has(Abilities.StructuredOutput),
            double.IsNaN(condition.FirstTokenMs) ? null : Math.Round(condition.FirstTokenMs, 1),
            double.IsNaN(condition.TokensPerSecond) ? null : Math.Round(condition.TokensPerSecond, 1),
            Day(offer.RetiresOn), Day(offer.DeprecatedOn), Retirement.LiveSuccessor(deployment.Catalogue, offer.Provider, offer.Successor, Today), offer.Aliases,
            offer.Dialect.Word());
    }

    private DateOnly Today => DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);

    private static string? Day(DateOnly? day) => day?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static string? Price(Domain.Money.NanoDollars? price) => price?.ToString().TrimEnd('0').TrimEnd('.');

    private async Task CreateKey(HttpContext http)
    {
        if (await ReadAsync(http, ApiJson.Default.KeyRequest) is not { } request)
            return;
        (KeyLimits? limits, string? wrong) = KeyRequestReader.Read(request, time.GetUtcNow());
        if (limits is null)
        {
            await Refuse(http, 400, "key_invalid", wrong!);
            return;
        }
        if (keys.TryCreate(request.Name, limits) is not { } made)
        {
            await Refuse(http, 409, "key_exists", $"A key named '{request.Name}' lives already. Revoke or rotate it, or choose another name.");
            return;
        }
        await Send(http, new NewKey(made.Secret, made.Key.Id.ToString(), made.Key.Name, View(made.Key)), ApiJson.Default.NewKey, StatusCodes.Status201Created);
    }

    private async Task RevokeKey(HttpContext http)
    {
        // By name it ends every secret of that name: one that was rotated away and overlaps is most likely the one that leaked.
        if (await FindKeys(http) is { } living)
            await Send(http, living.Select(key => View(keys.Revoke(key))).ToList()[0], ApiJson.Default.KeyView);
    }

    private async Task RotateKey(HttpContext http)
    {
        if (await FindKeys(http) is not [var key, ..] || await ReadAsync(http, ApiJson.Default.RotateRequest) is not { } request)
            return;
        TimeSpan overlap = TimeSpan.Zero;
        if (request.Overlap is { } text && !Quantities.TryDuration(text, out overlap))
        {
            await Refuse(http, 400, "overlap_invalid", "The overlap is not understood; a duration such as 24h is expected.");
            return;
        }
        if (keys.TryRotate(key, overlap) is not { } made)
        {
            await Refuse(http, 409, "key_rotated", $"That key of '{key.Name}' was rotated or revoked already. Rotate '{key.Name}' by its name.");
            return;
        }
        await Send(http, new NewKey(made.Secret, made.Key.Id.ToString(), made.Key.Name, View(made.Key)), ApiJson.Default.NewKey, StatusCodes.Status201Created);
    }

    private async Task<IReadOnlyList<KeyRecord>?> FindKeys(HttpContext http)
    {
        string name = (string?)http.Request.RouteValues["name"] ?? "";
        if (keys.FindLiving(name) is { Count: > 0 } living)
            return living;
        await Refuse(http, 404, "key_not_found", $"No living key is called '{Protocols.Faults.Redaction.Clean(name, 64)}'. List them with 'fairlead keys list'.");
        return null;
    }

    private KeyView View(KeyRecord key)
    {
        KeyLimits limits = key.Limits;
        string? left = null;
        if (keys.CallerOf(key) is { } caller)
        {
            AllowanceView view = admission.View(caller);
            limits = view.Limits;
            left = view.MoneyLeft?.ToString();
        }
        return new KeyView(
            key.Id.ToString(), key.Name, key.Tail, key.CreatedAt, key.RevokedAt, limits.ExpiresAt, limits.Models,
            limits.Budget is { } budget ? Quantities.Text(budget) : null, left, limits.RequestsPerMinute, limits.TokensPerMinute, limits.Parallel, limits.Successors);
    }

    private async Task ListRequests(HttpContext http)
    {
        IQueryCollection query = http.Request.Query;
        string? before = query["before"];
        RequestId? beforeId = null;
        if (!string.IsNullOrEmpty(before))
        {
            if (!RequestId.TryParse(before, out RequestId id))
            {
                await Refuse(http, 400, "before_invalid", "'before' must be a request id such as req_…");
                return;
            }
            beforeId = id;
        }
        KeyId? keyId = null;
        if (query["key"].ToString() is { Length: > 0 } keyName)
        {
            if (keys.All().FirstOrDefault(k => k.Name == keyName || k.Id.ToString() == keyName) is not { } key)
            {
                await Refuse(http, 404, "key_not_found", "No key of that name or id was ever made here.");
                return;
            }
            keyId = key.Id;
        }
        int limit = 50;
        if (query["limit"].ToString() is { Length: > 0 } text
            && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit is < 1 or > RequestQuery.MaxLimit))
        {
            await Refuse(http, 400, "limit_invalid", $"'limit' must be a number from 1 to {RequestQuery.MaxLimit}. For more, go on with 'before' and the last id.");
            return;
        }
        await vault.Shipper.DrainAsync(http.RequestAborted); // so that the newest are there
        IReadOnlyList<RequestClosed> found = await Task.Run(() => vault.Ledger.List(new RequestQuery
        {
            Limit = limit,
            Before = beforeId,
            Failed = query["failed"] == "true",
            Key = keyId,
            Model = query["model"].ToString() is { Length: > 0 } model ? model : null,
        }));
        await Send(http, found.Select(closed => new RequestLine(
            closed.Id.ToString(), closed.StartedAt, keys.NameOf(closed.Key), closed.AskedModel, closed.Provider, closed.Status, closed.EndReason.Word(),
            (closed.ClosedAt - closed.StartedAt).TotalMilliseconds, closed.Usage.InputTokens, closed.Usage.OutputTokens, closed.Charged.ToString())).ToList(),
            ApiJson.Default.ListRequestLine);
    }

    private async Task ShowRequest(HttpContext http)
    {
        if (RequestId.TryParse((string?)http.Request.RouteValues["id"] ?? "", out RequestId id) && await requests.FindAsync(id, http.RequestAborted) is { } closed)
            await JsonAnswer.WriteAsync(http, StatusCodes.Status200OK, json => RequestDocument.Write(json, closed, keys.NameOf(closed.Key)));
        else
            await Refuse(http, 404, "request_not_found", "No request has that id. List them with 'fairlead requests'.");
    }

    private async Task Usage(HttpContext http)
    {
        DateOnly today = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        string sinceText = http.Request.Query["since"].ToString();
        DateOnly since;
        if (sinceText.Length == 0)
            since = new DateOnly(today.Year, today.Month, 1);
        else if (Quantities.TryDuration(sinceText, out TimeSpan ago) && sinceText.EndsWith('d'))
            since = today.AddDays(-(int)ago.TotalDays);
        else if (!DateOnly.TryParseExact(sinceText, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out since))
        {
            await Refuse(http, 400, "since_invalid", "'since' must be a day such as 2026-11-01 or a number of days such as 7d.");
            return;
        }
        UsageGrouping grouping = UsageGrouping.None;
        foreach (string by in http.Request.Query["by"].ToString().Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (!Enum.TryParse(by, ignoreCase: true, out UsageGrouping one) || char.IsAsciiDigit(by[0]))
            {
                await Refuse(http, 400, "by_invalid", "'by' takes any of model, key, day, provider, separated by commas.");
                return;
            }
            grouping |= one;
        }
        await vault.Shipper.DrainAsync(http.RequestAborted);
        UsageReport report = await Task.Run(() => vault.Ledger.Usage(since, grouping));
        await Send(http, report.Rows.Select(row => new UsageLine(
            row.Day?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), row.Key is { } key ? keys.NameOf(key) : null, row.Model, row.Provider,
            row.Requests, row.Failed, row.InputTokens, row.OutputTokens, row.CachedInputTokens, row.CacheWriteTokens, row.CacheWriteHourTokens,
            (decimal)row.ComputeTime.Ticks / TimeSpan.TicksPerSecond, row.Charged.ToString())).ToList(), ApiJson.Default.ListUsageLine);
    }

    private async Task VerifyLedger(HttpContext http)
    {
        await vault.Shipper.DrainAsync(http.RequestAborted);
        VerifyResult result = await Task.Run(vault.Ledger.Verify);
        await Send(http, new LedgerReport(result.Holds, result.Requests, result.Entries, [.. result.Faults.Select(static f => $"{f.Where}: {f.Rule}: {f.Detail}")]), ApiJson.Default.LedgerReport);
    }

    private async Task Reload(HttpContext http)
    {
        if (await hooks.Reload(http.RequestAborted) is { } wrong)
            await Refuse(http, 400, "config_invalid", wrong);
        else
            await Send(http, Status(), ApiJson.Default.ServerStatus);
    }
}
