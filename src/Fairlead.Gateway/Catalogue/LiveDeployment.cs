namespace Fairlead.Gateway.Catalogue;

/// <summary>The deployment in force, replaced whole through one volatile field.</summary>
internal sealed class LiveDeployment(Deployment first)
{
    private volatile Deployment _current = first;

    public Deployment Current => _current;

    public void Replace(Deployment next) => _current = next;
}
