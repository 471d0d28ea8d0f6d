using System.IO.Compression;

namespace Fairlead.Storage.Tests.Yard;

/// <summary>Data folders that earlier versions have left behind (tests/data/ledger-N, N being the version of the records and of the schema).</summary>
internal static class EarlierData
{
    /// <summary>Puts the store and the journal of that version into an empty folder.</summary>
    public static void Unpack(TempFolder folder, int version)
    {
        string data = Path.Combine(Shared.Checkout.Root, "tests", "data", $"ledger-{version}");
        Directory.CreateDirectory(folder.In("journal"));
        File.Copy(Path.Combine(data, "00000001.fwj"), folder.In("journal", "00000001.fwj"));
        using FileStream packed = File.OpenRead(Path.Combine(data, "store.db.gz"));
        using var unpacked = new GZipStream(packed, CompressionMode.Decompress);
        using FileStream store = File.Create(folder.In("store.db"));
        unpacked.CopyTo(store);
    }
}
