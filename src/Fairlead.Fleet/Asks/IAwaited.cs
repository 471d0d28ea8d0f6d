namespace Fairlead.Fleet.Asks;

/// <summary>What somebody awaits of the loop. It is decided in a turn and told at the turn's end, when the figures show what has come of it: whoever is told
/// and looks finds it so, and whoever asks next is asked of a loop that knows.</summary>
internal interface IAwaited
{
    /// <summary>Tells it. The loop's; whoever is told goes on elsewhere.</summary>
    void Tell();
}
