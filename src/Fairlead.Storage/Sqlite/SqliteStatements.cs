using System.Diagnostics.CodeAnalysis;
using Microsoft.Data.Sqlite;

namespace Fairlead.Storage.Sqlite;

/// <summary>Parameterised statements in one line. Values never become part of the SQL text.</summary>
internal static class SqliteStatements
{
    /// <summary>Runs a statement and returns how many rows it changed.</summary>
    public static int Run(this SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        using SqliteCommand command = connection.Prepare(sql, values);
        return command.ExecuteNonQuery();
    }

    /// <summary>The first column of the one row.</summary>
    public static T One<T>(this SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        using SqliteCommand command = connection.Prepare(sql, values);
        return (T)command.ExecuteScalar()!;
    }

    /// <summary>The first column of the first row; null when there is no row or it is NULL.</summary>
    public static T? OneOrNull<T>(this SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> values)
        where T : class
    {
        using SqliteCommand command = connection.Prepare(sql, values);
        return command.ExecuteScalar() as T;
    }

    /// <summary>Every row through <paramref name="read"/>.</summary>
    public static List<T> All<T>(
        this SqliteConnection connection, string sql, Func<SqliteDataReader, T> read, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        using SqliteCommand command = connection.Prepare(sql, values);
        using SqliteDataReader reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
            rows.Add(read(reader));
        return rows;
    }

    [SuppressMessage("Security", "CA2100", Justification = "The text is put together from constants of this assembly; values are parameters.")]
    public static SqliteCommand Prepare(this SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        foreach ((string name, object? value) in values)
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command;
    }

    public static string? TextOrNull(this SqliteDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    public static long? NumberOrNull(this SqliteDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetInt64(column);
}
