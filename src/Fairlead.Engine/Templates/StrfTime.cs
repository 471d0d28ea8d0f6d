using System.Globalization;
using System.Text;

namespace Fairlead.Engine.Templates;

/// <summary>Python's <c>datetime.strftime</c> in the C locale, with the flags of glibc that templates use (<c>%-d</c>).</summary>
internal static class StrfTime
{
    public static string Format(DateTimeOffset time, string format)
    {
        StringBuilder text = new();
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                text.Append(format[i]);
                continue;
            }

            char flag = format[i + 1] is '-' or '_' or '0' or '^' ? format[++i] : ' ';
            if (++i == format.Length)
            {
                // A lone "%-" at the end stands as it is.
                text.Append('%').Append(flag);
                break;
            }

            Append(text, time, format[i], flag);
        }

        return text.ToString();
    }

    private static void Append(StringBuilder text, DateTimeOffset time, char code, char flag)
    {
        CultureInfo invariant = CultureInfo.InvariantCulture;
        string part = code switch
        {
            'a' => time.ToString("ddd", invariant),
            'A' => time.ToString("dddd", invariant),
            'b' or 'h' => time.ToString("MMM", invariant),
            'B' => time.ToString("MMMM", invariant),
            'c' => $"{time.ToString("ddd MMM", invariant)} {time.Day,2} {time.ToString("HH:mm:ss yyyy", invariant)}",
            'C' => Number(time.Year / 100, 2),
            'd' => Number(time.Day, 2),
            'D' or 'x' => time.ToString("MM/dd/yy", invariant),
            'e' => Number(time.Day, 2, ' '),
            'f' => (time.Ticks % TimeSpan.TicksPerSecond / 10).ToString("D6", invariant),
            'F' => time.ToString("yyyy-MM-dd", invariant),
            'G' => Number(ISOWeek.GetYear(time.DateTime), 4),
            'g' => Number(ISOWeek.GetYear(time.DateTime) % 100, 2),
            'H' => Number(time.Hour, 2),
            'I' => Number(Hour12(time), 2),
            'j' => Number(time.DayOfYear, 3),
            'k' => Number(time.Hour, 2, ' '),
            'l' => Number(Hour12(time), 2, ' '),
            'm' => Number(time.Month, 2),
            'M' => Number(time.Minute, 2),
            'n' => "\n",
            'p' => time.Hour < 12 ? "AM" : "PM",
            'P' => time.Hour < 12 ? "am" : "pm",
            'r' => $"{Number(Hour12(time), 2)}:{time.ToString("mm:ss", invariant)} {(time.Hour < 12 ? "AM" : "PM")}",
            'R' => time.ToString("HH:mm", invariant),
            's' => time.ToUnixTimeSeconds().ToString(invariant),
            'S' => Number(time.Second, 2),
            't' => "\t",
            'T' or 'X' => time.ToString("HH:mm:ss", invariant),
            'u' => (((int)time.DayOfWeek + 6) % 7 + 1).ToString(invariant),
            'U' => Number((time.DayOfYear + 6 - (int)time.DayOfWeek) / 7, 2),
            'V' => Number(ISOWeek.GetWeekOfYear(time.DateTime), 2),
            'w' => ((int)time.DayOfWeek).ToString(invariant),
            'W' => Number((time.DayOfYear + 6 - (((int)time.DayOfWeek + 6) % 7)) / 7, 2),
            'y' => Number(time.Year % 100, 2),
            'Y' => time.Year.ToString(invariant),
            // The reference passes a time without zone, which prints none.
            'z' or 'Z' => "",
            '%' => "%",
            _ => flag == ' ' ? $"%{code}" : $"%{flag}{code}",
        };
        text.Append(flag == '^' ? part.ToUpperInvariant() : part);

        string Number(int value, int width, char fill = '0') => flag switch
        {
            '-' => value.ToString(invariant),
            '_' => value.ToString(invariant).PadLeft(width),
            '0' => value.ToString(invariant).PadLeft(width, '0'),
            _ => value.ToString(invariant).PadLeft(width, fill),
        };
    }

    private static int Hour12(DateTimeOffset time) => (time.Hour + 11) % 12 + 1;
}
