using System.Globalization;
using System.Text;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Fairlead.Gateway.Telemetry;

/// <summary>Writes what the OpenTelemetry SDK has aggregated as Prometheus' text format 0.0.4. The SDK keeps the histograms and bounds the label sets.</summary>
[ExportModes(ExportModes.Pull)]
internal sealed class PrometheusText : BaseExporter<Metric>, IPullMetricExporter
{
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly StringBuilder _text = new();
    private Exception? _failure;

    /// <summary>Set by the SDK.</summary>
    public Func<int, bool>? Collect { get; set; }

    /// <summary>Collects and returns the page; one scrape at a time.</summary>
    /// <exception cref="InvalidOperationException">The SDK could not collect, or what it collected could not be written.</exception>
    public async ValueTask<string> ScrapeAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            _text.Clear();
            _failure = null;
            return Collect?.Invoke(Timeout.Infinite) == true ? _text.ToString() : throw new InvalidOperationException("Metrics could not be collected.", _failure);
        }
        finally
        {
            _turn.Release();
        }
    }

    public override ExportResult Export(in Batch<Metric> batch)
    {
        try
        {
            foreach (Metric metric in batch)
                Write(metric);
            return ExportResult.Success;
        }
        catch (Exception e)
        {
            _failure = e; // the SDK would tell its event source alone
            return ExportResult.Failure;
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _turn.Dispose();
        base.Dispose(disposing);
    }

    private void Write(Metric metric)
    {
        string name = Name(metric);
        bool counter = metric.MetricType.IsSum() && !metric.MetricType.ToString().Contains("NonMonotonic", StringComparison.Ordinal);
        if (counter)
            name += "_total";
        string type = metric.MetricType.IsHistogram() ? "histogram" : counter ? "counter" : "gauge";
        _text.Append("# HELP ").Append(name).Append(' ').Append(metric.Description.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)).Append('\n')
            .Append("# TYPE ").Append(name).Append(' ').Append(type).Append('\n');
        foreach (ref readonly MetricPoint point in metric.GetMetricPoints())
        {
            if (metric.MetricType.IsHistogram())
                WriteHistogram(name, point);
            else
                WriteSample(name, point, null, Value(metric, point));
        }
    }

    private static double Value(Metric metric, MetricPoint point)
    {
        bool whole = metric.MetricType.IsLong();
        return metric.MetricType.IsSum()
            ? whole ? point.GetSumLong() : point.GetSumDouble()
            : whole ? point.GetGaugeLastValueLong() : point.GetGaugeLastValueDouble();
    }

    private void WriteHistogram(string name, MetricPoint point)
    {
        long total = 0;
        foreach (HistogramBucket bucket in point.GetHistogramBuckets())
        {
            total += bucket.BucketCount;
            WriteSample(name + "_bucket", point, double.IsPositiveInfinity(bucket.ExplicitBound) ? "+Inf" : Number(bucket.ExplicitBound), total);
        }
        WriteSample(name + "_sum", point, null, point.GetHistogramSum());
        WriteSample(name + "_count", point, null, point.GetHistogramCount());
    }

    private void WriteSample(string name, MetricPoint point, string? bound, double value)
    {
        _text.Append(name);
        char separator = '{';
        foreach (KeyValuePair<string, object?> tag in point.Tags)
        {
            _text.Append(separator).Append(Legal(tag.Key)).Append("=\"")
                .Append(Convert.ToString(tag.Value, CultureInfo.InvariantCulture)?.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal))
                .Append('"');
            separator = ',';
        }
        if (bound is not null)
        {
            _text.Append(separator).Append("le=\"").Append(bound).Append('"');
            separator = ',';
        }
        if (separator == ',')
            _text.Append('}');
        _text.Append(' ').Append(Number(value)).Append('\n');
    }

    private static string Name(Metric metric)
    {
        string name = Legal(metric.Name);
        return metric.Unit switch
        {
            "s" => name + "_seconds",
            "By" => name + "_bytes",
            _ => name,
        };
    }

    private static string Legal(string name) => string.Create(name.Length, name, static (span, text) =>
    {
        for (int i = 0; i < text.Length; i++)
            span[i] = char.IsAsciiLetterOrDigit(text[i]) ? text[i] : '_';
    });

    private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
