using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Fairlead.Domain.Fleet;
using Microsoft.Extensions.Logging;

namespace Fairlead.Fleet;

/// <summary>The file that keeps load times over restarts. Losing it costs a few worse forecasts, so nothing about it stops anything; everything about it is logged.</summary>
internal sealed partial class LoadHistory(string path, ILogger log)
{
    private const int Version = 1;

    /// <summary>256 models with ten loads each are 200 kB; a larger file is none of ours.</summary>
    private const long MostBytes = 1 << 20;

    private readonly Lock _gate = new();
    private ImmutableArray<PastLoad> _wanted;
    private bool _writing;

    /// <summary>Teaches a forecast what the file holds.</summary>
    public void ReadInto(LoadForecast forecast)
    {
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists)
                return;
            if (file.Length > MostBytes)
            {
                LogRefused(path, $"it has {file.Length} bytes, and at most {MostBytes} are believed");
                return;
            }
            LoadHistoryFile? read = JsonSerializer.Deserialize(File.ReadAllBytes(path), LoadHistoryJson.Default.LoadHistoryFile);
            if (read is not { Version: Version, Loads: { } loads })
            {
                LogRefused(path, $"it is not of version {Version}");
                return;
            }
            int refused = forecast.Import(loads);
            if (refused > 0)
                LogPartlyRefused(path, refused, loads.Count);
        }
        catch (JsonException e)
        {
            LogRefused(path, e.Message);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogUnreadable(e, path);
        }
    }

    /// <summary>Writes these loads in place of the former ones, in the background; of several wishes while one is being written only the last is done.</summary>
    public void Keep(ImmutableArray<PastLoad> loads)
    {
        lock (_gate)
        {
            _wanted = loads;
            if (_writing)
                return;
            _writing = true;
            Written = Task.Run(WriteAll);
        }
    }

    /// <summary>Ends when all that was to be kept is written, or could not be.</summary>
    public Task Written { get; private set; } = Task.CompletedTask;

    private void WriteAll()
    {
        while (true)
        {
            ImmutableArray<PastLoad> loads;
            lock (_gate)
            {
                if (_wanted.IsDefault)
                {
                    _writing = false;
                    return;
                }
                loads = _wanted;
                _wanted = default;
            }
            Write(loads);
        }
    }

    private void Write(ImmutableArray<PastLoad> loads)
    {
        string draft = path + ".new";
        try
        {
            File.Delete(draft); // left by a crash
            using (var file = new FileStream(draft, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
            {
                JsonSerializer.Serialize(file, new LoadHistoryFile(Version, [.. loads]), LoadHistoryJson.Default.LoadHistoryFile);
                file.Flush(flushToDisk: true); // a file that is named before it is written would be empty after a power cut
            }
            File.Move(draft, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogUnwritable(e, path);
        }
    }

    [LoggerMessage(EventId = 4201, Level = LogLevel.Warning, Message = "The load times in {Path} are not believed: {Why}. Forecasts begin from the size of the files, and the file is replaced at the next load")]
    private partial void LogRefused(string path, string why);

    [LoggerMessage(EventId = 4202, Level = LogLevel.Warning, Message = "{Path} holds {Refused} loads of {All} that cannot be true; they are left out")]
    private partial void LogPartlyRefused(string path, int refused, int all);

    [LoggerMessage(EventId = 4203, Level = LogLevel.Warning, Message = "The load times in {Path} cannot be read; forecasts begin from the size of the files")]
    private partial void LogUnreadable(Exception e, string path);

    [LoggerMessage(EventId = 4204, Level = LogLevel.Warning, Message = "The load times cannot be written to {Path}; a restart will have forgotten them")]
    private partial void LogUnwritable(Exception e, string path);
}

/// <summary>The file: <c>{"version":1,"loads":[{"model":"local/qwen","bytes":9012345,"seconds":1.25}]}</c>, the model that was loaded last at the end.</summary>
internal sealed record LoadHistoryFile(int Version, List<PastLoad?>? Loads);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(LoadHistoryFile))]
internal sealed partial class LoadHistoryJson : JsonSerializerContext;
