using System.Globalization;
using Fairlead.Domain.Keys;
using Fairlead.Domain.Money;

namespace Fairlead.Gateway.Settings;

/// <summary>Reads amounts as people write them in the configuration and on the command line: <c>10s</c>, <c>20MiB</c>, <c>$20/month</c>, <c>60/min</c>, <c>128k</c>.</summary>
public static class Quantities
{
    /// <summary><c>500ms</c>, <c>10s</c>, <c>5m</c>, <c>24h</c>, <c>90d</c>; a plain number is seconds.</summary>
    public static bool TryDuration(string text, out TimeSpan duration)
    {
        duration = default;
        (decimal number, string unit) = Split(text);
        decimal? seconds = unit switch
        {
            "ms" => number / 1000,
            "s" or "" => number,
            "m" or "min" => number * 60,
            "h" => number * 3600,
            "d" => number * 86_400,
            _ => null,
        };
        if (number < 0 || seconds is not { } s || s > 3_650m * 86_400)
            return false;
        duration = TimeSpan.FromMilliseconds((double)(s * 1000));
        return true;
    }

    /// <summary><c>20MiB</c>, <c>64KiB</c>, <c>1GiB</c>, <c>512</c> bytes; <c>KB</c>, <c>MB</c> and <c>GB</c> are powers of ten.</summary>
    public static bool TrySize(string text, out long bytes)
    {
        bytes = 0;
        (decimal number, string unit) = Split(text);
        long? factor = unit switch
        {
            "" or "B" => 1,
            "KiB" => 1L << 10,
            "MiB" => 1L << 20,
            "GiB" => 1L << 30,
            "KB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            _ => null,
        };
        if (number < 0 || factor is not { } f || number * f > 1L << 50)
            return false;
        bytes = (long)(number * f);
        return true;
    }

    /// <summary><c>128k</c> is 128 × 1,024 tokens, as models are sold; <c>1M</c> is 1,048,576; a plain number is itself.</summary>
    public static bool TryTokens(string text, out long tokens)
    {
        tokens = 0;
        (decimal number, string unit) = Split(text);
        long? factor = unit switch { "" => 1, "k" or "K" => 1_024, "m" or "M" => 1_048_576, _ => null };
        if (number <= 0 || factor is not { } f || number * f > 1L << 40 || number * f != Math.Floor(number * f))
            return false;
        tokens = (long)(number * f);
        return true;
    }

    /// <summary><c>$20/month</c>, <c>5/day</c>, <c>20/mo</c>: US dollars a calendar day or month.</summary>
    public static bool TryBudget(string text, out Budget budget)
    {
        budget = default;
        string[] parts = text.Trim().TrimStart('$').Split('/');
        if (parts.Length != 2 || !NanoDollars.TryParseDollars(parts[0].Trim(), out NanoDollars amount))
            return false;
        BudgetPeriod? period = parts[1].Trim() switch { "day" or "d" => BudgetPeriod.Day, "month" or "mo" => BudgetPeriod.Month, _ => null };
        if (period is not { } p)
            return false;
        budget = new Budget(amount, p);
        return true;
    }

    /// <summary><c>$0.60/hour</c>, <c>0.60/h</c>: US dollars an hour, exact to the nano-dollar.</summary>
    public static bool TryHourlyPrice(string text, out NanoDollars perHour)
    {
        perHour = default;
        string[] parts = text.Split('/');
        if (parts.Length != 2 || parts[1].Trim() is not ("hour" or "h"))
            return false;
        string amount = parts[0].Trim();
        return NanoDollars.TryParseDollars(amount.StartsWith('$') ? amount[1..].Trim() : amount, out perHour);
    }

    /// <summary><c>75%</c>: a share in whole per cent, 1 to 100.</summary>
    public static bool TryPercent(string text, out int percent)
    {
        percent = 0;
        return text.Trim() is [.. var number, '%'] && int.TryParse(number.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out percent) && percent is >= 1 and <= 100;
    }

    /// <summary><c>60/min</c> or a plain number: per minute.</summary>
    public static bool TryRate(string text, out long perMinute)
    {
        string number = text.Trim();
        foreach (string unit in (ReadOnlySpan<string>)["/min", "/minute", "/m"])
        {
            if (number.EndsWith(unit, StringComparison.Ordinal))
            {
                number = number[..^unit.Length];
                break;
            }
        }
        return long.TryParse(number.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out perMinute) && perMinute > 0;
    }

    /// <summary>The form in which an amount of memory is shown: <c>512 MiB</c>, <c>11.8 GiB</c>.</summary>
    public static string Size(long bytes) => bytes switch
    {
        >= 1L << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.0} GiB"),
        >= 1L << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 20):0} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0} KiB"),
    };

    /// <summary>The form in which a duration of whole milliseconds is shown, and can be read again: <c>100ms</c>, <c>5s</c>, <c>10m</c>.</summary>
    public static string Text(TimeSpan duration)
    {
        long ms = duration.Ticks / TimeSpan.TicksPerMillisecond;
        return ms % 1000 != 0 || ms == 0 ? string.Create(CultureInfo.InvariantCulture, $"{ms}ms")
            : ms % 60_000 != 0 ? string.Create(CultureInfo.InvariantCulture, $"{ms / 1000}s") : string.Create(CultureInfo.InvariantCulture, $"{ms / 60_000}m");
    }

    /// <summary>The form in which a budget is shown: <c>20.00/month</c>.</summary>
    public static string Text(Budget budget)
    {
        string amount = budget.Amount.ToString().TrimEnd('0');
        int places = amount.Length - amount.IndexOf('.', StringComparison.Ordinal) - 1;
        return (places >= 2 ? amount : amount + new string('0', 2 - places)) + (budget.Period == BudgetPeriod.Day ? "/day" : "/month");
    }

    private static (decimal Number, string Unit) Split(string text)
    {
        text = text.Trim();
        int end = 0;
        while (end < text.Length && (char.IsAsciiDigit(text[end]) || text[end] == '.'))
            end++;
        // Beyond this nothing that we read is possible, and a product with a unit would overflow.
        return decimal.TryParse(text.AsSpan(0, end), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number) && number <= 1_000_000_000_000_000m
            ? (number, text[end..].Trim())
            : (-1, "");
    }
}
