namespace Fairlead.Fleet.Packs;

/// <summary>Where one worker of our own keeps the packed form of its weights.</summary>
/// <param name="Folder">Absolute path of a folder that exists: its model's, in which it and no worker of another model may make files.</param>
/// <param name="MostBytes">More than so many it need not keep: they would be removed at once.</param>
public sealed record PackPlace(string Folder, long MostBytes);
