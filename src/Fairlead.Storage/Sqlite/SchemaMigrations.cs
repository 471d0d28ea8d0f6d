using System.Globalization;
using System.Reflection;
using Microsoft.Data.Sqlite;

namespace Fairlead.Storage.Sqlite;

/// <summary>Brings a store to the newest schema: the embedded files <c>NNNN_name.sql</c> in order, each in its own transaction, each once.</summary>
internal static class SchemaMigrations
{
    public static void Apply(SqliteConnection connection)
    {
        Assembly assembly = typeof(SchemaMigrations).Assembly;
        List<(int Number, string Name)> files = [.. assembly.GetManifestResourceNames()
            .Where(static name => name.EndsWith(".sql", StringComparison.Ordinal))
            .Select(static name => (int.Parse(name.AsSpan(0, 4), NumberStyles.None, CultureInfo.InvariantCulture), name))
            .OrderBy(static file => file.Item1)];
        long version = Version(connection);
        if (version > files[^1].Number)
            throw new StoreUnavailableException($"the store has schema {version} and this program knows {files[^1].Number}: it was written by a newer version");
        foreach ((int number, string name) in files)
        {
            if (number <= version)
                continue;
            using Stream stream = assembly.GetManifestResourceStream(name)!;
            using var reader = new StreamReader(stream);
            using SqliteTransaction transaction = connection.BeginTransaction();
            connection.Run(reader.ReadToEnd());
            connection.Run(
                "INSERT INTO meta (name, value) VALUES ('schema_version', @version) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                ("@version", number.ToString(CultureInfo.InvariantCulture)));
            transaction.Commit();
        }
    }

    private static long Version(SqliteConnection connection)
    {
        if (connection.One<long>("SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'meta'") == 0)
            return 0;
        string? version = connection.OneOrNull<string>("SELECT value FROM meta WHERE name = 'schema_version'");
        return version is null ? 0 : long.Parse(version, CultureInfo.InvariantCulture);
    }
}
